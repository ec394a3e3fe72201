/** A Snapshot restored into the claim that is there, under workloads that use it, with the rights that the manifests give and no more. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { complete, ended, gone, namespace, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { claim, deployment, Storage, statefulSet, storageClass, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const replacing = suite('snapshots restored into a claim that is there', cluster);

describe(replacing.title, replacing.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-replace';
  const [late, keeping] = ['kylon-replace-late', 'kylon-replace-keeping'] as const;
  const data = temporaryFolder();
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(
      ['create', '-f', '-'],
      [
        namespace(place),
        storageClass(late, {}, { volumeBindingMode: 'WaitForFirstConsumer' }),
        storageClass(keeping, {}, { reclaimPolicy: 'Retain' }),
        claim(place, 'data', {}, { labels: { app: 'shop' }, annotations: { note: 'kept' } }),
        deployment(place, 'web', 'data', 2),
        statefulSet(place, 'db', 2),
      ],
    );
    await settled();
    await write('web', 'hello');
    kylon = await Kylon.beside(kubeconfig, { data });
    await take('first', 'data');
    await write('web', 'changed');
  });
  afterAll(async () => {
    await kubectl.try(['delete', restores, '--all', '-n', place, '--timeout=60s']);
    await kubectl.try(['delete', snapshots, '--all', '-n', place, '--timeout=60s']);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['patch', 'pvc', 'data', '-n', place, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'storageclass', late, keeping, '--ignore-not-found']);
    await kubectl.try(['delete', 'clusterrole', 'kylon-replace', '--ignore-not-found']);
  }

  const create = (object: object, as = kubectl) => as.run(['create', '-f', '-'], object);
  const settled = () => kubectl.run(['rollout', 'status', 'deployment/web', 'statefulset/db', '-n', place, '--timeout=120s']);
  const write = (workload: string, text: string) =>
    kubectl.run(['exec', `deploy/${workload}`, '-n', place, '--', 'sh', '-c', `echo ${text} > /data/greeting`]);
  const take = async (name: string, claimName: string) => {
    await create(snapshot(place, name, claimName));
    return complete(kubectl, snapshots, { namespace: place, name });
  };
  const update = { existingResourcePolicy: 'Update' };
  const replace = (name: string, snapshotName: string, wanted: object = {}, as = kubectl) =>
    create(restoreOfSnapshot(place, name, snapshotName, wanted, update), as);
  const failure = async (name: string) => {
    const { status } = await ended(kubectl, restores, { namespace: place, name });
    expect(status).toMatchObject({ phase: 'Failed' });
    return String(status?.['failureReason']);
  };
  const stepsOf = async (name: string): Promise<string[]> => {
    const { status } = await kubectl.get(restores, name, '-n', place);
    return ((status?.['steps'] ?? []) as { name: string; phase: string }[]).map((step) => `${step.name} ${step.phase}`);
  };
  /** A step may be over in the blink of an eye; the held claim keeps the work from its end. */
  const hasBegun = async (name: string, step: string) => (await stepsOf(name)).some((text) => text.startsWith(step));
  const done = ['MakeVolume', 'ScaleDown', 'ReplaceVolume', 'ScaleUp'].map((name) => `${name} Completed`);
  const volumeOf = async (name: string) => String((await kubectl.get('pvc', name, '-n', place)).spec?.['volumeName']);
  const isGone = async (resource: string, name: string) => /NotFound/.test((await kubectl.try(['get', resource, name])).stderr);
  /** Of the work there is nothing left but what was asked for. */
  const nothingLeft = async () => {
    expect(await kubectl.list('pvc', '-n', place, '-l', 'app.kubernetes.io/managed-by=kylon')).toEqual([]);
    const marked = [...(await kubectl.list('pv')), ...(await kubectl.list('deployments,statefulsets', '-n', place))];
    expect(marked.filter(isMarked).map(({ metadata }) => metadata.name)).toEqual([]);
    expect((await kubectl.get('deployment', 'web', '-n', place)).spec).toMatchObject({ replicas: 2 });
    expect((await kubectl.get('statefulset', 'db', '-n', place)).spec).toMatchObject({ replicas: 2 });
  };
  const hold = { op: 'add', path: '/metadata/finalizers/0', value: 'example.test/holds' };
  const letGo = { op: 'remove', path: '/metadata/finalizers/0' };
  /** The claim cannot go meanwhile. */
  const patchFinalizers = (how: object) => kubectl.run(['patch', 'pvc', 'data', '-n', place, '--type=json', '-p', JSON.stringify([how])]);
  const isMarked = ({ metadata }: KubeObject) => metadata.annotations?.['backup.kylon.io/restore-uid'] !== undefined;

  it('say what would be done, and change nothing, as a dry run', async () => {
    const before = await kubectl.get('pvc', 'data', '-n', place);
    await create(restoreOfSnapshot(place, 'tried', 'first', {}, { ...update, dryRun: true }));
    const { status } = await complete(kubectl, restores, { namespace: place, name: 'tried' });
    expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1 } });
    expect(status).not.toHaveProperty('steps');
    expect((await kubectl.get('pvc', 'data', '-n', place)).metadata).toEqual(before.metadata);
    await nothingLeft();
  });

  it('give the claim its volume of then; who uses it is away meanwhile, and the volume before goes', async () => {
    const before = await volumeOf('data');
    await replace('back', 'first', { size: '2Gi' });
    const { status } = await complete(kubectl, restores, { namespace: place, name: 'back' });
    expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1, failed: 0 } });
    expect(await stepsOf('back')).toEqual(done);
    expect(await volumes.read(place, 'data', 'greeting')).toBe('hello\n');
    const now = await kubectl.get('pvc', 'data', '-n', place);
    expect(now.metadata).toMatchObject({ labels: { app: 'shop' }, annotations: { note: 'kept' } });
    expect(now).toMatchObject({ status: { phase: 'Bound', capacity: { storage: '2Gi' } } });
    await nothingLeft();
    await eventually(() => isGone('pv', before), 30_000);
    await settled();
  });

  it('do so with the claims of a StatefulSet, with classes that make volumes for a node, and leave a volume that its class retains', async () => {
    await take('of-db', 'data-db-1');
    const [first, before] = [await volumeOf('data-db-0'), await volumeOf('data-db-1')];
    await replace('keeping', 'of-db', { storageClassName: keeping });
    await complete(kubectl, restores, { namespace: place, name: 'keeping' });
    await eventually(() => isGone('pv', before), 30_000);
    await settled();
    const kept = await volumeOf('data-db-1');
    await replace('late', 'of-db', { storageClassName: late });
    await complete(kubectl, restores, { namespace: place, name: 'late' });
    expect(await stepsOf('late')).toEqual(done);
    expect((await kubectl.get('pvc', 'data-db-1', '-n', place)).spec).toMatchObject({ storageClassName: late });
    expect(await kubectl.get('pv', kept)).toMatchObject({
      spec: { persistentVolumeReclaimPolicy: 'Retain' },
      status: { phase: 'Released' },
    });
    expect(await volumeOf('data-db-0')).toBe(first);
    await nothingLeft();
    await settled();
    await kubectl.run(['patch', 'pv', kept, '--type=merge', '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}']);
  });

  it.each(['MakeVolume', 'ScaleDown', 'ReplaceVolume'])('go on after Kylon was killed in the middle of %s', async (step) => {
    const name = `killed-${step.toLowerCase()}`;
    await write('web', 'changed');
    await patchFinalizers(hold);
    await replace(name, 'first');
    await eventually(() => hasBegun(name, step), 60_000);
    await kylon.discard();
    await patchFinalizers(letGo);
    kylon = await Kylon.beside(kubeconfig, { data });
    await complete(kubectl, restores, { namespace: place, name });
    expect(await stepsOf(name)).toEqual(done);
    expect(await volumes.read(place, 'data', 'greeting')).toBe('hello\n');
    await nothingLeft();
    await settled();
  });
  it.each(['ScaleDown', 'ReplaceVolume'])('that are deleted in the middle of %s put all back', async (step) => {
    const name = `given-up-${step.toLowerCase()}`;
    await write('web', 'changed');
    const before = await volumeOf('data');
    await patchFinalizers(hold);
    await replace(name, 'first');
    await eventually(() => hasBegun(name, step), 60_000);
    await kubectl.run(['delete', restores, name, '-n', place, '--wait=false']);
    await patchFinalizers(letGo);
    await gone(kubectl, restores, name, '-n', place);
    expect(await volumeOf('data')).toBe(before);
    expect((await kubectl.get('pv', before)).spec).toMatchObject({ persistentVolumeReclaimPolicy: 'Delete' });
    expect(await volumes.read(place, 'data', 'greeting')).toBe('changed\n');
    await nothingLeft();
    await settled();
  });

  it('are refused where a Pod would not go, before anything is changed', async () => {
    await create([claim(place, 'alone'), writer(place, 'alone', 'alone')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/alone', '-n', place, '--timeout=120s']);
    await replace('of-alone', 'first', { name: 'alone' });
    expect(await failure('of-alone')).toBe('ClaimInUse: the Pod "alone" uses it, which no workload owns: delete it first');
    await nothingLeft();
  });

  it('are refused without the rights, in the words of the server, before anything is changed', async () => {
    const erin = kubectl.as('erin');
    const verbs = ['create', 'clusterrole', 'kylon-replace', '--verb=get,list,create,delete'];
    await kubectl.run([...verbs, `--resource=pods,persistentvolumeclaims,replicasets.apps,deployments.apps,${restores}`]);
    await kubectl.run(['create', 'rolebinding', 'erin', '--clusterrole=kylon-replace', '--user=erin', '-n', place]);
    await eventually(async () => (await erin.try(['auth', 'can-i', 'create', restores, '-n', place])).code === 0);
    await replace('of-erin', 'first', {}, erin);
    expect(await failure('of-erin')).toMatch(
      /^Forbidden: deployments\.apps "web" is forbidden: User "erin" cannot patch resource "deployments"/,
    );
    await nothingLeft();
  });
});
