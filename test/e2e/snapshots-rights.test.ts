/** Snapshots with the rights that the manifests give to Kylon and to users, and no more. Two replicas share the work. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, issue } from '../auth/pki.ts';
import { Balancer } from './between.ts';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName } from './kylon.ts';
import { moverImage, moverImageFault } from './mover-image.ts';
import { backup, backups, complete, gone, namespace, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { CertificateFiles, podPlace, registerPort, removePodPlace, Replica, systemNamespace } from './pod.ts';
import { eventually } from './process.ts';
import { claim, nodeAddress, Storage, volumeGroupSnapshots, volumeSnapshots, withSnapshots } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const moverFault = moverImageFault();
const asRoot = process.getuid?.() === 0;
const rights = suite(asRoot ? 'the rights that snapshots need' : 'the rights that snapshots need (skipped: needs root)', cluster);

describe(rights.title, { skip: rights.options.skip || !asRoot }, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const volumes = new Storage(kubeconfigOf(cluster), kubectl);
  const dave = kubectl.as('dave');
  const place = 'kylon-snapshot-rights';
  const other = 'kylon-snapshot-rights-other';
  const userRoles = join(repository, 'manifests/user-roles.yaml');
  const ca = authority('serving-ca');
  let replicas: readonly Replica[] = [];

  beforeAll(async () => {
    await removePodPlace(kubectl);
    await kubectl.run(['delete', 'namespace', place, other, '--ignore-not-found']);
    const pod = await podPlace(kubectl, kubeconfigOf(cluster));
    const address = await nodeAddress(kubectl);
    const dnsNames = [`kylon.${systemNamespace}.svc`];
    const files = new CertificateFiles(issue(ca, { cn: 'kylon', usage: 'server', dnsNames, ips: [address] }));
    const [balancer, forPods] = [await Balancer.start(), await Balancer.start([], address)];
    const store = pathToFileURL(join(temporaryFolder(), 'store')).href;
    const image = moverFault === undefined ? await moverImage() : 'none';
    const moving = [files.authority(ca), `--mover-image=${image}`, `--mover-address=https://${address}:${forPods.port}`];
    replicas = ['a', 'b'].map((name) => new Replica(pod, name, [`--store=${store}`, ...files.flags, ...moving]));
    for (const replica of replicas) await replica.start();
    balancer.targets = forPods.targets = replicas.map(({ port }) => port);
    await registerPort(kubectl, balancer.port, ca.cert);
    await kubectl.run(['apply', '--server-side', '-f', userRoles]);
    await givePlace();
    await kubectl.run(['create', '-f', '-'], namespace(other));
    await kubectl.run(['create', 'rolebinding', 'edit', '--clusterrole=edit', '--user=dave', '-n', other]);
  }, coldBuild);
  afterAll(async () => {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    for (const { kylon } of replicas) await kylon.discard();
    await kubectl.run(['delete', '-f', userRoles, '--ignore-not-found']);
    await removePodPlace(kubectl);
    await kubectl.run(['delete', 'namespace', place, other, '--ignore-not-found']);
  });

  /** Makes the namespace with what docs/snapshots.md asks for. */
  async function givePlace(): Promise<void> {
    await kubectl.run(['create', '-f', '-'], namespace(place));
    await kubectl.run(['create', 'rolebinding', 'edit', '--clusterrole=edit', '--user=dave', '-n', place]);
    await kubectl.run(['create', 'role', 'snapshotter', '--verb=create', `--resource=${volumeSnapshots}`, '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'snapshotter', '--role=snapshotter', '--user=dave', '-n', place]);
    await kubectl.run(['create', 'role', 'group-snapshotter', '--verb=create', `--resource=${volumeGroupSnapshots}`, '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'group-snapshotter', '--role=group-snapshotter', '--user=dave', '-n', place]);
    for (const resource of [snapshots, volumeSnapshots, volumeGroupSnapshots])
      await eventually(async () => (await dave.try(['auth', 'can-i', 'create', resource, '-n', place])).code === 0);
  }

  /** With no more than edit there. */
  async function bringToOther(name: string): Promise<void> {
    await dave.run(['create', '-f', '-'], restoreOfSnapshot(other, name, name, { name }, { snapshotNamespace: place }));
    await complete(dave, restores, { namespace: other, name });
    expect((await kubectl.get('pvc', name, '-n', other)).status).toMatchObject({ phase: 'Bound' });
    await eventually(
      async () => (await kubectl.list(`pods,secrets,pvc,${volumeSnapshots}`, '-n', other, '-l', 'backup.kylon.io/made-for')).length === 0,
    );
  }

  it('suffice to take one, to bring it back after its namespace, into the claim that is there and into one that asks for it, and to delete it', async () => {
    await dave.run(['create', '-f', '-'], claim(place, 'data'));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/data', '-n', place, '--timeout=60s']);
    await dave.run(['create', '-f', '-'], snapshot(place, 'first', 'data'));
    const { status } = await complete(dave, snapshots, { namespace: place, name: 'first' });
    expect(status).toMatchObject({ phase: 'Completed', createdBy: { username: 'dave' } });
    await kubectl.run(['delete', 'namespace', place]);
    await givePlace();
    await dave.run(['create', '-f', '-'], restoreOfSnapshot(place, 'undo', 'first'));
    await complete(dave, restores, { namespace: place, name: 'undo' });
    expect((await kubectl.get('pvc', 'data', '-n', place)).status).toMatchObject({ phase: 'Bound' });
    const before = (await kubectl.get('pvc', 'data', '-n', place)).metadata.uid;
    await dave.run(['create', '-f', '-'], restoreOfSnapshot(place, 'replace', 'first', {}, { existingResourcePolicy: 'Update' }));
    await complete(dave, restores, { namespace: place, name: 'replace' });
    expect((await kubectl.get('pvc', 'data', '-n', place)).metadata.uid).not.toBe(before);
    await eventually(async () => (await kubectl.list('pvc', '-n', place)).length === 1);
    const dataSourceRef = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 'first' };
    await dave.run(['create', '-f', '-'], claim(place, 'filled', { dataSourceRef }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/filled', '-n', place, '--timeout=60s']);
    await eventually(async () => (await kubectl.list('pvc', '-n', place)).length === 2);
    await bringToOther('first');
    await dave.run(['delete', snapshots, 'first', '-n', place, '--timeout=60s']);
    await gone(dave, snapshots, 'first', '-n', place);
    expect(volumes.snapshots()).not.toContain(status?.['handle']);
  });

  it.skipIf(moverFault !== undefined)('suffice to copy one into the object store, and to bring it back', async () => {
    await dave.run(['create', '-f', '-'], claim(place, 'source'));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/source', '-n', place, '--timeout=60s']);
    await dave.run(['create', '-f', '-'], snapshot(place, 'moved', 'source', { moveData: true }));
    const { status } = await complete(dave, snapshots, { namespace: place, name: 'moved' });
    expect(status).toMatchObject({ phase: 'Completed', method: 'File' });
    await dave.run(['create', '-f', '-'], restoreOfSnapshot(place, 'brought', 'moved', { name: 'brought' }));
    await complete(dave, restores, { namespace: place, name: 'brought' });
    const dataSourceRef = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 'moved' };
    await dave.run(['create', '-f', '-'], claim(place, 'poured', { dataSourceRef }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/poured', '-n', place, '--timeout=120s']);
    const helpers = () => kubectl.list('pods,secrets,pvc', '-n', place, '-l', 'app.kubernetes.io/managed-by=kylon');
    await eventually(async () => (await helpers()).length === 0, 60_000);
    await bringToOther('moved');
    await dave.run(['delete', snapshots, 'moved', '-n', place, '--timeout=60s']);
  });

  it('suffice for a Backup to take volumes at one moment, and to let go of them', async () => {
    const before = volumes.snapshots();
    for (const name of ['left', 'right']) {
      const made = claim(place, name);
      await dave.run(['create', '-f', '-'], { ...made, metadata: { ...made.metadata, labels: { group: 'db' } } });
      await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', `pvc/${name}`, '-n', place, '--timeout=60s']);
    }
    const spec = { snapshotVolumes: true, volumeGroupSnapshotLabelKey: 'group', labelSelector: { matchLabels: { group: 'db' } } };
    await dave.run(['create', '-f', '-'], backup(place, 'grouped', spec));
    const { status } = await complete(dave, backups, { namespace: place, name: 'grouped' });
    expect(status?.['volumes']).toMatchObject([{ volumeGroup: 'db', phase: 'Completed' }, { phase: 'Completed' }]);
    await dave.run(['delete', backups, 'grouped', '-n', place, '--timeout=60s']);
    await gone(dave, backups, 'grouped', '-n', place);
    expect(volumes.snapshots()).toEqual(before);
  });
});
