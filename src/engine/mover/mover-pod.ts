/** The Pod that copies a volume, or prunes a repository, and the Secret by which it reaches the repository. manifests/mover is what runs in it. */
import type { Ids } from '../../base/ids.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Throttle } from '../../resources/throttle.ts';
import type { Access, RepositoryName } from '../../repository/repositories.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, listOf, textOf } from '../selection/fields.ts';
import { helperLabelsOf, pods, referenceTo } from '../snapshot/known.ts';
import type { MoverSetting } from './setting.ts';

/** What is to be copied, and which way; or whose repository is to be pruned. */
export interface Errand {
  /** The Snapshot or the Restore for which it is done, in whose namespace the Pod is; its name follows from that. */
  readonly owner: KubeObject;
  readonly repository: RepositoryName;
  /** Undefined where no volume is needed. */
  readonly claimName?: string;
  /** The claim for which it is done, where the volume is reached through another one that nobody knows. */
  readonly forClaim?: string;
  readonly isBlock: boolean;
  /** Into the repository, or out of it, all or some of it, or only in it. */
  readonly way: 'backup' | 'restore' | 'restore-files' | 'prune';
  /** As manifests/mover takes them. */
  readonly args: readonly string[];
  /** Undefined where it may be as fast as it can. */
  readonly throttle?: Throttle | undefined;
  /** Where the volume can be mounted, if that is not for the scheduler to find. */
  readonly node?: string | undefined;
  /** Of the cluster: the Pod goes when it does. */
  readonly goesWith?: KubeObject | undefined;
  /** As whom to read it where the namespace lets nobody be root. */
  readonly runAs?: RunAs | undefined;
  /** Of the Pod: what whoever sees its end has to know. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RunAs {
  readonly user: number;
  /** Of what it makes; undefined where the Pod does not say. */
  readonly group?: number;
  readonly groups: readonly number[];
}

/** In the Pod. */
const volumeOfClaim = 'volume';
const accessVolume = 'access';
const hour = 3600;
/**
 * Seconds after which it is ended, whatever it does: as long as it is let into the repository. Nobody can write beside a prune, for which others wait four
 * hours (manifests/mover, and mostLost in mover.ts): there has to be time for its lock to become stale, half an hour.
 */
const longest: Readonly<Record<Errand['way'], number>> = {
  backup: 72 * hour,
  restore: 72 * hour,
  'restore-files': 72 * hour,
  prune: 3 * hour,
};
export const longestOf = ({ way }: Errand) => longest[way];

/** Nobody can make it before the Pod is there, and no Pod gets the one of another: that goes with the Pod it was made for. */
export const secretNameFor = (owner: KubeObject, ids: Ids) => `${moverName(owner)}-${ids.suffix(8)}`;

/** As the Pod has it; undefined where it is none of Kylon's. */
export const secretNameIn = ({ spec }: ClusterObject): string | undefined =>
  textOf(fieldsOf(listOf(fieldsOf(spec)['volumes']).find(({ name }) => name === accessVolume)?.['secret'])['secretName']);

export const moverName = ({ metadata }: KubeObject) => `kylon-${metadata.uid ?? ''}`;

/** `secretName`: see secretNameFor. `isRestricted`: whether the namespace asks for the Pod Security Standard restricted. */
export function moverPod(errand: Errand, secretName: string, { image }: MoverSetting, isRestricted: boolean): ClusterObject {
  const { way, args, throttle } = errand;
  const container = { name: 'mover', image, args: [...limitsOf(throttle), way, ...args].map(literal), ...mountsOf(errand, ownMounts) };
  const volumes = [{ name: accessVolume, secret: { secretName, defaultMode: 0o440 } }, roomToWrite.volume];
  return podBeside(errand, { component: 'mover', container, volumes, isRestricted, gracePeriod: 5 });
}

interface PodParts {
  /** What it is, as a label. */
  readonly component: string;
  readonly container: Fields;
  /** Beside that of the claim. */
  readonly volumes: readonly Fields[];
  readonly isRestricted: boolean;
  /** Seconds that its end may take. */
  readonly gracePeriod: number;
}

/** One that may do no more than it has to, and is found by the owner of the errand. */
export function podBeside(errand: Errand, { component, container, volumes, isRestricted, gracePeriod }: PodParts): ClusterObject {
  const { owner, way, claimName, annotations, goesWith } = errand;
  const isConfined = isRestricted || claimName === undefined;
  return {
    apiVersion: 'v1',
    kind: pods.kind,
    metadata: {
      name: moverName(owner),
      namespace: owner.metadata.namespace ?? '',
      labels: { ...helperLabelsOf(owner), 'app.kubernetes.io/component': component },
      ...(annotations && { annotations }),
      ...(goesWith && { ownerReferences: [referenceTo(goesWith)] }),
    },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: longestOf(errand),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriod,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' }, ...(isConfined && identityOf(errand)) },
      ...(errand.node !== undefined && { affinity: onNode(errand.node), tolerations: [{ operator: 'Exists' }] }),
      volumes: [...(claimName === undefined ? [] : [{ name: volumeOfClaim, persistentVolumeClaim: { claimName } }]), ...volumes],
      containers: [
        {
          ...container,
          imagePullPolicy: 'IfNotPresent',
          resources: { requests: { cpu: '50m', memory: '64Mi' } },
          securityContext: isConfined ? confined : asRoot(way),
        },
      ],
    },
  };
}

/** Kubernetes puts variables in the place of $(NAME), and $ in that of $$: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export const literal = (text: string) => text.replaceAll('$', () => '$$');

/** restic counts in KiB a second. */
function limitsOf(throttle: Throttle = {}): string[] {
  return (['upload', 'download'] as const).flatMap((way) => {
    const rate = parseQuantity(throttle[way] ?? '');
    return rate === undefined ? [] : [`--limit-${way}=${Math.max(1, Math.floor(rate / 1024))}`];
  });
}

/** Where a program may write, in a container whose own file system is read-only. */
export const roomToWrite = { volume: { name: 'tmp', emptyDir: {} }, mount: { name: 'tmp', mountPath: '/tmp' } } as const;

const ownMounts: readonly Fields[] = [{ name: accessVolume, mountPath: '/access', readOnly: true }, roomToWrite.mount];

/** Of a container that has the volume, beside others. */
export function mountsOf({ claimName, isBlock, way }: Errand, mounts: readonly Fields[]): Fields {
  if (claimName === undefined) return { volumeMounts: mounts };
  if (isBlock) return { volumeDevices: [{ name: volumeOfClaim, devicePath: '/dev/volume' }], volumeMounts: mounts };
  return { volumeMounts: [...mounts, { name: volumeOfClaim, mountPath: '/volume', readOnly: way === 'backup' }] };
}

/** Goes with its Pod. */
export function moverSecret(pod: ClusterObject, name: string, { address, ca }: MoverSetting, access: Access): ClusterObject {
  const { namespace = '', labels } = pod.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels, ownerReferences: [referenceTo(pod)] },
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
  const add = ['DAC_OVERRIDE', ...(way === 'backup' ? [] : writing)];
  return { ...confined, runAsUser: 0, runAsGroup: 0, capabilities: { drop: ['ALL'], add } };
}

/** Of the files of /access. */
const groupOfAccess = 0;
/** Whoever is nobody else. */
const nobody = 65_534;

function identityOf({ runAs = { user: nobody, groups: [] } }: Errand): Fields {
  const { user, group = groupOfAccess, groups } = runAs;
  return { runAsNonRoot: true, runAsUser: user, runAsGroup: group, supplementalGroups: [...new Set([groupOfAccess, ...groups])] };
}

function onNode(name: string): Fields {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [name] }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } };
}

/** As whom a Pod reads its volumes; undefined where it does not say. */
export function runAsOf({ spec }: ClusterObject): RunAs | undefined {
  const ofPod = fieldsOf(fieldsOf(spec)['securityContext']);
  const contexts = [ofPod, ...listOf(fieldsOf(spec)['containers']).map((container) => fieldsOf(container['securityContext']))];
  const numbers = (field: string) => contexts.map((context) => context[field]).filter((one) => typeof one === 'number');
  const user = numbers('runAsUser').find((one) => one > 0);
  if (user === undefined) return undefined;
  const { fsGroup, supplementalGroups } = ofPod;
  const groups = [fsGroup, ...(Array.isArray(supplementalGroups) ? supplementalGroups : [])].filter((one) => typeof one === 'number');
  const [group] = numbers('runAsGroup');
  return { user, groups, ...(group !== undefined && { group }) };
}
