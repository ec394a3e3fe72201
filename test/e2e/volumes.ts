/** Real volumes: claims, Pods that write to them, and what the driver of the cluster keeps, seen from outside. */
import { execFileSync } from 'node:child_process';
import { createHash, hash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cluster } from './cluster.ts';
import type { KubeObject, Kubectl } from './kubectl.ts';

const driver = 'directory.csi.example.test';
export const volumeSnapshots = 'volumesnapshots.snapshot.storage.k8s.io';
export const volumeSnapshotContents = 'volumesnapshotcontents.snapshot.storage.k8s.io';

export const volumeGroupSnapshots = 'volumegroupsnapshots.groupsnapshot.storage.k8s.io';
export const volumeGroupSnapshotContents = 'volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io';

/** The cluster, where it can take snapshots of volumes; decided while vitest collects its tests. */
export function withSnapshots(cluster: Cluster): Cluster {
  if ('missing' in cluster) return cluster;
  // The folders of volumes and snapshots are made with the first of them.
  const found = servesSnapshots(cluster.kubeconfig) && existsSync(join(dirname(cluster.kubeconfig), 'node'));
  return found ? cluster : { missing: 'needs KUBECONFIG of ../shared/cluster/up --storage' };
}

/** The cluster, where it has never heard of snapshots. */
export function withoutSnapshots(cluster: Cluster): Cluster {
  const serves = !('missing' in cluster) && servesSnapshots(cluster.kubeconfig);
  return serves ? { missing: 'needs a cluster without CRDs of snapshots' } : cluster;
}

function servesSnapshots(kubeconfig: string): boolean {
  const args = [`--kubeconfig=${kubeconfig}`, 'get', 'crd', volumeSnapshots, '--ignore-not-found', '-o', 'name'];
  return execFileSync(process.env['KUBECTL'] ?? 'kubectl', args, { encoding: 'utf8' }).trim() !== '';
}

const folderOf = (kubeconfig: string, what: 'volumes' | 'snapshots') => join(dirname(kubeconfig), 'node', what);

export function claim(namespace: string, name: string, spec: object = {}, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace, name, ...metadata },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  };
}

/** Has the claim mounted at /data, for `kubectl exec` to write there. It writes nothing by itself: restored, it would write again. */
export function writer(namespace: string, name: string, claimName: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name }, spec: podSpec(0, claimName) };
}

/** Has the claim of a block volume at /dev/data. */
export function deviceReader(where: string, name: string, claimName: string): KubeObject {
  const spec = podSpec(0, claimName, { volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] });
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: where, name }, spec };
}

/** As `writer`, where its namespace lets nobody be root. */
export function restrictedWriter(where: string, name: string, claimName: string): object {
  const pod = writer(where, name, claimName) as unknown as { spec: { containers: object[] } };
  const [container] = pod.spec.containers;
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    ...pod,
    spec: {
      ...pod.spec,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ ...container, securityContext }],
    },
  };
}

/** `claimName`: where no template of a workload names the volume `data`. */
function podSpec(
  terminationGracePeriodSeconds: number,
  claimName?: string,
  mounts: object = { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
) {
  return {
    terminationGracePeriodSeconds,
    containers: [
      {
        name: 'writer',
        image: 'example.test/busybox:1',
        imagePullPolicy: 'Never',
        command: ['sleep', '100000'],
        ...mounts,
      },
    ],
    ...(claimName !== undefined && { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] }),
  };
}

/** Its Pods take a moment to end. */
export function deployment(namespace: string, name: string, claimName: string, replicas: number): KubeObject {
  return workload('Deployment', namespace, name, { replicas }, podSpec(2, claimName));
}

/** Pods that run a script which does not end; they end at once. The claim is at /data, that of a block volume at /dev/data. */
export function busy(namespace: string, name: string, script: string, replicas = 1, isBlock = false): KubeObject {
  const mounts = isBlock
    ? { volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }
    : { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
  const spec = podSpec(0, name, { ...mounts, command: ['sh', '-c', script] });
  return workload('Deployment', namespace, name, { replicas }, spec);
}

/** With a claim `data-NAME-ORDINAL` for each of its Pods. */
export function statefulSet(namespace: string, name: string, replicas: number): KubeObject {
  const { metadata, spec } = claim(namespace, 'data');
  const template = { metadata: { name: metadata.name }, spec };
  return workload('StatefulSet', namespace, name, { replicas, serviceName: name, volumeClaimTemplates: [template] }, podSpec(0));
}

function workload(kind: string, namespace: string, name: string, spec: object, pod: object): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { namespace, name },
    spec: { ...spec, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  };
}

/** Whose parameters say how snapshots of its volumes fare. */
export function storageClass(name: string, parameters: object, more: object = {}): KubeObject {
  return { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: driver, parameters, ...more };
}

export function snapshotClass(name: string, more: object = {}): KubeObject {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotClass',
    metadata: { name },
    driver,
    deletionPolicy: 'Delete',
    ...more,
  };
}

/** The one that is taken before the default of the driver. */
export function groupSnapshotClass(name: string, more: object = {}): KubeObject {
  return {
    apiVersion: 'groupsnapshot.storage.k8s.io/v1',
    kind: 'VolumeGroupSnapshotClass',
    metadata: { name, labels: { 'velero.io/csi-volumegroupsnapshot-class': 'true' } },
    driver,
    deletionPolicy: 'Delete',
    ...more,
  };
}

/** By which Pods reach this machine. */
export function nodeAddress(kubectl: Kubectl): Promise<string> {
  const path = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  return kubectl.run(['get', 'nodes', '-o', `jsonpath=${path}`]);
}

/** What lies in the volume of a claim, of which nobody needs to run. */
export class Storage {
  readonly #kubeconfig: string;
  readonly #kubectl: Kubectl;

  constructor(kubeconfig: string, kubectl: Kubectl) {
    this.#kubeconfig = kubeconfig;
    this.#kubectl = kubectl;
  }

  async read(namespace: string, claimName: string, file: string): Promise<string> {
    return readFileSync(join(await this.#contentOf(namespace, claimName), file), 'utf8');
  }

  /** So many small files in a hundred folders, named by numbers. */
  async fill(namespace: string, claimName: string, count: number): Promise<void> {
    const root = await this.#contentOf(namespace, claimName);
    for (let n = 0; n < 100; n++) mkdirSync(join(root, String(n)));
    for (let n = 0; n < count; n++) writeFileSync(join(root, String(n % 100), String(n)), `content of ${n}\n`);
  }

  /** Of the names and contents of all files, but for those in the folders `without`. */
  async sum(namespace: string, claimName: string, without: readonly string[] = []): Promise<string> {
    const root = await this.#contentOf(namespace, claimName);
    const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
    const names = found.filter((name) => !without.includes(name.split('/')[0] ?? ''));
    const all = createHash('sha256');
    for (const name of names) all.update(name).update(statSync(join(root, name)).isFile() ? readFileSync(join(root, name)) : '/');
    return all.digest('hex');
  }

  /** SHA-256 of a file that may be large. */
  async hash(namespace: string, claimName: string, file: string): Promise<string> {
    return hash('sha256', readFileSync(join(await this.#contentOf(namespace, claimName), file)));
  }

  /** Gives a file what not every program brings along: an extended attribute, and a time with fractions of a second. */
  async adorn(namespace: string, claimName: string, file: string): Promise<void> {
    const path = join(await this.#contentOf(namespace, claimName), file);
    execFileSync('python3', ['-c', 'import os, sys; os.setxattr(sys.argv[1], "user.kylon", b"kept")', path]);
    utimesSync(path, 1_000_000_000.123456, 1_000_000_000.123456);
  }

  /** `modified` in milliseconds, as restic's times are read. */
  async adornment(namespace: string, claimName: string, file: string): Promise<{ attribute: string; modified: bigint }> {
    const path = join(await this.#contentOf(namespace, claimName), file);
    const script = 'import os, sys; print({name: os.getxattr(sys.argv[1], name) for name in os.listxattr(sys.argv[1])})';
    const attribute = execFileSync('python3', ['-c', script, path], { encoding: 'utf8' });
    return { attribute, modified: statSync(path, { bigint: true }).mtimeNs / 1_000_000n };
  }

  /** Path of a folder of it on the disk of its node. */
  async folder(namespace: string, claimName: string, folder: string): Promise<string> {
    return join(await this.#contentOf(namespace, claimName), folder);
  }

  /** Names of the files and folders in a folder of it. */
  async names(namespace: string, claimName: string, folder: string): Promise<string[]> {
    return readdirSync(await this.folder(namespace, claimName, folder));
  }

  /** Of a block volume: its first bytes. */
  async readBlock(namespace: string, claimName: string, length: number): Promise<string> {
    return readFileSync(await this.#contentOf(namespace, claimName)).toString('utf8', 0, length);
  }

  /** SHA-256 of a block volume, but for its first `without` bytes. */
  async hashOfBlock(namespace: string, claimName: string, without = 0): Promise<string> {
    return hash('sha256', readFileSync(await this.#contentOf(namespace, claimName)).subarray(without));
  }

  /** Bytes that a block volume takes on the disk of its node. */
  async roomOfBlock(namespace: string, claimName: string): Promise<number> {
    return 512 * statSync(await this.#contentOf(namespace, claimName)).blocks;
  }

  async writeBlock(namespace: string, claimName: string, text: string, at = 0): Promise<void> {
    const device = openSync(await this.#contentOf(namespace, claimName), 'r+');
    writeSync(device, text, at);
    closeSync(device);
  }

  /** A block volume gets bytes of chance, between which nothing is written. Resolves to the SHA-256 of all of it. */
  async fillBlock(namespace: string, claimName: string): Promise<string> {
    const path = await this.#contentOf(namespace, claimName);
    const { size } = statSync(path);
    const device = openSync(path, 'r+');
    const piece = 3 << 20;
    for (let at = 0; at < size; at += 4 * piece) writeSync(device, randomBytes(Math.min(piece, size - at)), 0, undefined, at);
    writeSync(device, randomBytes(1), 0, 1, size - 1);
    closeSync(device);
    return hash('sha256', readFileSync(path));
  }

  async #contentOf(namespace: string, claimName: string): Promise<string> {
    const { spec } = await this.#kubectl.get('persistentvolumeclaim', claimName, '-n', namespace);
    const volume = await this.#kubectl.get('persistentvolume', String(spec?.['volumeName']));
    const { volumeHandle = '' } = (volume.spec?.['csi'] ?? {}) as { volumeHandle?: string };
    return join(folderOf(this.#kubeconfig, 'volumes'), volumeHandle, 'content');
  }

  /** Handles of what the driver keeps. */
  snapshots(): string[] {
    const folder = folderOf(this.#kubeconfig, 'snapshots');
    return existsSync(folder) ? readdirSync(folder) : [];
  }
}
