/** The Pod that copies a volume, and the Secret by which it reaches the repository. manifests/mover is what runs in it. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Access } from '../../repository/repositories.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, listOf } from '../selection/fields.ts';
import { helperLabelsOf, pods } from '../snapshot/known.ts';
import type { MoverSetting } from './setting.ts';

/** What is to be copied, and which way. */
export interface Errand {
  /** The Snapshot or the Restore for which it is done; its name follows from that. */
  readonly owner: KubeObject;
  readonly claimName: string;
  readonly isBlock: boolean;
  /** Into the repository, or out of it. */
  readonly way: 'backup' | 'restore';
  /** As manifests/mover takes them. */
  readonly args: readonly string[];
  /** Where the volume can be mounted, if that is not for the scheduler to find. */
  readonly node?: string | undefined;
  /** As whom to read it where the namespace lets nobody be root. */
  readonly runAs?: RunAs | undefined;
}

export interface RunAs {
  readonly user: number;
  readonly groups: readonly number[];
}

/** Seconds after which it is ended, whatever it does: as long as it is let into the repository. */
export const longestMove = 3 * 24 * 3600;

export const moverName = ({ metadata }: KubeObject) => `kylon-${metadata.uid ?? ''}`;

/** `isRestricted`: whether the namespace asks for the Pod Security Standard restricted. */
export function moverPod(errand: Errand, { image }: MoverSetting, isRestricted: boolean): ClusterObject {
  const { owner, way, args, isBlock } = errand;
  const { namespace = '' } = owner.metadata;
  const mounts = [
    { name: 'access', mountPath: '/access', readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
  ];
  const container = {
    name: 'mover',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: [way, ...args],
    ...(isBlock
      ? { volumeDevices: [{ name: 'volume', devicePath: '/dev/volume' }], volumeMounts: mounts }
      : { volumeMounts: [...mounts, { name: 'volume', mountPath: '/volume', readOnly: way === 'backup' }] }),
    resources: { requests: { cpu: '50m', memory: '64Mi' } },
    securityContext: isRestricted ? confined : asRoot(way),
  };
  return {
    apiVersion: 'v1',
    kind: pods.kind,
    metadata: { name: moverName(owner), namespace, labels: { ...helperLabelsOf(owner), 'app.kubernetes.io/component': 'mover' } },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: longestMove,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 5,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' }, ...(isRestricted && identityOf(errand)) },
      ...(errand.node !== undefined && { affinity: onNode(errand.node), tolerations: [{ operator: 'Exists' }] }),
      volumes: [
        { name: 'volume', persistentVolumeClaim: { claimName: errand.claimName } },
        { name: 'access', secret: { secretName: moverName(owner), defaultMode: 0o440 } },
        { name: 'tmp', emptyDir: {} },
      ],
      containers: [container],
    },
  };
}

/** Goes with its Pod. */
export function moverSecret(pod: ClusterObject, { address, ca }: MoverSetting, access: Access): ClusterObject {
  const { name, namespace = '', uid, labels } = pod.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels, ownerReferences: [{ apiVersion: 'v1', kind: pods.kind, name, uid }] },
    immutable: true,
    stringData: {
      repository: `rest:${new URL(access.path, address).href}`,
      username: access.username,
      password: access.password,
      'repository-password': access.repositoryPassword,
      'ca.crt': ca,
    },
  };
}

const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

/** The capabilities that let root read every file, or make every file with its owner, mode and attributes; all that baseline allows. */
function asRoot(way: Errand['way']): Fields {
  const writing = ['CHOWN', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP'];
  const add = ['DAC_OVERRIDE', ...(way === 'restore' ? writing : [])];
  return { ...confined, runAsUser: 0, runAsGroup: 0, capabilities: { drop: ['ALL'], add } };
}

/** Whoever is nobody else. */
const nobody = 65_534;

function identityOf({ runAs = { user: nobody, groups: [] } }: Errand): Fields {
  return { runAsNonRoot: true, runAsUser: runAs.user, supplementalGroups: [...runAs.groups] };
}

function onNode(name: string): Fields {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [name] }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } };
}

/** As whom a Pod reads its volumes; undefined where it does not say. */
export function runAsOf({ spec }: ClusterObject): RunAs | undefined {
  const { runAsUser, fsGroup, supplementalGroups } = fieldsOf(fieldsOf(spec)['securityContext']);
  const ofContainer = listOf(fieldsOf(spec)['containers']).map((container) => fieldsOf(container['securityContext'])['runAsUser']);
  const user = [runAsUser, ...ofContainer].find((one) => typeof one === 'number' && one > 0);
  const groups = [fsGroup, ...(Array.isArray(supplementalGroups) ? supplementalGroups : [])].filter((one) => typeof one === 'number');
  return typeof user === 'number' ? { user, groups } : undefined;
}
