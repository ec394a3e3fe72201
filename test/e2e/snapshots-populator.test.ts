/** Claims that name a Snapshot in dataSourceRef, on a real cluster: filled, also for the first Pod, and with what goes wrong said by Events. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { complete, gone, namespace, snapshot, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { claim, Storage, storageClass, volumeSnapshots, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const populating = suite('claims filled from snapshots', cluster);

describe(populating.title, populating.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-populator';
  const late = 'kylon-populator-late';
  const data = temporaryFolder();
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(
      ['create', '-f', '-'],
      [
        namespace(place),
        storageClass(late, {}, { volumeBindingMode: 'WaitForFirstConsumer' }),
        claim(place, 'data'),
        writer(place, 'writer', 'data'),
      ],
    );
    await ready('writer');
    await kubectl.run(['exec', 'writer', '-n', place, '--', 'sh', '-c', 'echo hello > /data/greeting']);
    kylon = await Kylon.beside(kubeconfig, { data });
    await take('first');
  });
  afterAll(async () => {
    await kubectl.try(['delete', snapshots, '--all', '-n', place, '--timeout=60s']);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    // The provisioner forgets its finalizer for up to five minutes where a claim is deleted while it is being provisioned.
    for (const { metadata } of await kubectl.list(volumeSnapshots, '-n', place))
      await kubectl.try(['patch', volumeSnapshots, metadata.name, '-n', place, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'storageclass', late, '--ignore-not-found']);
  }

  const take = async (name: string) => {
    await kubectl.run(['create', '-f', '-'], snapshot(place, name, 'data'));
    await complete(kubectl, snapshots, { namespace: place, name });
  };
  const ask = async (name: string, spec: object = {}, source = 'first') => {
    const dataSourceRef = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: source };
    await kubectl.run(['create', '-f', '-'], claim(place, name, { dataSourceRef, ...spec }));
    const { metadata } = await kubectl.get('pvc', name, '-n', place);
    return `kylon-${metadata.uid}`;
  };
  const bound = (name: string) =>
    kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', `pvc/${name}`, '-n', place, '--timeout=60s']);
  const ready = (name: string) => kubectl.run(['wait', '--for=condition=Ready', `pod/${name}`, '-n', place, '--timeout=120s']);
  const reasonsOf = async (name: string) =>
    (await kubectl.list('events', '-n', place, '--field-selector', `involvedObject.name=${name},source=kylon`)).map(
      (event) => event['reason'],
    );
  /** As the scheduler does. */
  const choose = (name: string, node: string) =>
    kubectl.run(['annotate', 'pvc', name, '-n', place, '--overwrite', `volume.kubernetes.io/selected-node=${node}`]);
  /** For a node that is not there no volume is made. */
  const held = async (name: string) => {
    const through = await ask(name, { storageClassName: late });
    await choose(name, 'nowhere');
    await eventually(() => isThere(through));
    return through;
  };
  const isThere = async (name: string) => (await kubectl.try(['get', 'pvc', name, '-n', place])).code === 0;

  it('have what was in the volume then, and nothing else is left', async () => {
    const through = await ask('copy', { resources: { requests: { storage: '2Gi' } } });
    await bound('copy');
    expect(await volumes.read(place, 'copy', 'greeting')).toBe('hello\n');
    expect((await kubectl.get('pvc', 'copy', '-n', place)).status).toMatchObject({ capacity: { storage: '2Gi' } });
    expect(await reasonsOf('copy')).toEqual(expect.arrayContaining(['Populating', 'Populated']));
    await gone(kubectl, 'pvc', through, '-n', place);
    await bound('copy');
  });

  it('are filled for the first Pod, where their class waits for it', async () => {
    const through = await ask('late', { storageClassName: late });
    await kubectl.run(['create', '-f', '-'], writer(place, 'reader', 'late'));
    await ready('reader');
    expect(await kubectl.run(['exec', 'reader', '-n', place, '--', 'cat', '/data/greeting'])).toBe('hello\n');
    await gone(kubectl, 'pvc', through, '-n', place);
  });

  it('say what they wait for, and go on when it is there', async () => {
    await ask('small', { resources: { requests: { storage: '1Mi' } } });
    await ask('early', {}, 'second');
    await eventually(async () => (await reasonsOf('small')).includes('ClaimTooSmall'), 30_000);
    await eventually(async () => (await reasonsOf('early')).includes('SnapshotNotFound'), 30_000);
    await take('second');
    await bound('early');
    expect(await volumes.read(place, 'early', 'greeting')).toBe('hello\n');
  });

  it('are filled though Kylon was killed in the middle', async () => {
    const through = await held('interrupted');
    await kylon.discard();
    kylon = await Kylon.beside(kubeconfig, { data });
    const [node] = await kubectl.list('nodes');
    await choose('interrupted', node?.metadata.name ?? '');
    await bound('interrupted');
    await gone(kubectl, 'pvc', through, '-n', place);
    expect(await volumes.read(place, 'interrupted', 'greeting')).toBe('hello\n');
  });

  it('that are deleted in the middle leave nothing behind, even without Kylon', async () => {
    const through = await held('given-up');
    await kylon.discard();
    const volumesOf = async () => (await kubectl.list('pv')).filter(({ spec }) => isOf(spec, through, 'given-up'));
    await kubectl.run(['delete', 'pvc', 'given-up', '-n', place, '--timeout=60s']);
    await gone(kubectl, 'pvc', through, '-n', place);
    await eventually(async () => (await volumesOf()).length === 0, 30_000);
    kylon = await Kylon.beside(kubeconfig, { data });
  });
  const isOf = (spec: Record<string, unknown> | undefined, ...names: readonly string[]) =>
    names.includes((spec?.['claimRef'] as { name: string } | undefined)?.name ?? '');
});
