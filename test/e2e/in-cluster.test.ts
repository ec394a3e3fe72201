/**
 * Kylon in Pods of a cluster, installed by the commands of manifests/README.md, with a claim as its store: what it copies of a volume lies in another
 * claim of the same cluster.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { kylonImageFault, loadKylonImage } from './kylon-image.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName } from './kylon.ts';
import { moverImage, moverImageFault } from './mover-image.ts';
import { backup, backups, complete, configMap, namespace, restore, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { run } from './process.ts';
import { claim, Storage, withSnapshots, writer } from './volumes.ts';

const fault = kylonImageFault() ?? moverImageFault();
const cluster = fault === undefined ? withSnapshots(findCluster()) : { missing: fault };
const inside = suite('Kylon in a cluster', cluster);

describe(inside.title, inside.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-inside';
  const system = 'kylon-system';
  const image = 'example.test/kylon';
  const manifests = join(temporaryFolder(), 'manifests');

  beforeAll(async () => {
    await tidy();
    loadKylonImage(`${image}:0.1.0`);
    await edit();
    await install();
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await kubectl.run(['exec', 'writer', '-n', place, '--', 'sh', '-c', 'echo hello > /data/greeting']);
  }, coldBuild);
  afterAll(async () => {
    await kubectl.try(['delete', snapshots, '--all', '-n', place]);
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['delete', '--ignore-not-found', '-k', join(repository, 'manifests')]);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
  }

  /** Where the registry holds the images: what an operator fills in. */
  async function edit(): Promise<void> {
    cpSync(join(repository, 'manifests'), manifests, { recursive: true });
    const change = (file: string, from: string, to: string) => {
      const path = join(manifests, file);
      writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
    };
    change('kustomization.yaml', 'newName: kylon', `newName: ${image}`);
    change('deployment.yaml', '--mover-image=kylon-mover:0.1.0', `--mover-image=${await moverImage()}`);
  }

  async function install(): Promise<void> {
    const apply = (input: string) => kubectl.run(['apply', '--server-side', '-f', '-'], input);
    await kubectl.run(['apply', '--server-side', '-f', join(manifests, 'namespace.yaml')]);
    await apply((await run(join(manifests, 'serving-certificate'), [])).stdout);
    await kubectl.run(['apply', '--server-side', '-k', manifests]);
    await kubectl.run(['rollout', 'status', 'deployment/kylon', '-n', system, '--timeout=120s']);
    const ca = await kubectl.run(['get', 'secret', 'kylon-serving', '-n', system, '-o', 'jsonpath={.data.ca\\.crt}']);
    await apply(readFileSync(join(repository, 'apiservice/apiservice.yaml'), 'utf8').replace('CA_BUNDLE', ca));
    await kubectl.run(['wait', '--for=condition=Available', `apiservice/${apiServiceName}`, '--timeout=60s']);
  }

  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);

  it('saves and restores', async () => {
    await create(configMap(place, 'settings', { color: 'red' }));
    await create(backup(place, 'first'));
    await complete(kubectl, backups, { namespace: place, name: 'first' });
    await kubectl.run(['delete', 'configmap', 'settings', '-n', place]);
    await create(restore(place, 'first', 'first'));
    await complete(kubectl, restores, { namespace: place, name: 'first' });
    expect(await kubectl.get('configmap', 'settings', '-n', place)).toMatchObject({ data: { color: 'red' } });
  });

  it.each([
    ['tar', { method: 'Copy' }],
    ['a mover', { moveData: true }],
  ])('copies a volume into the claim of its store, by %s, and from there into another one', async (way, spec) => {
    const name = way.replace(' ', '-');
    await create(snapshot(place, name, 'data', spec));
    const { status } = await complete(kubectl, snapshots, { namespace: place, name });
    expect(status).toMatchObject({ bytesRead: 6 });
    const [domain = ''] = await volumes.names(system, 'kylon-store', 'd');
    const content = way === 'tar' ? 'snapshots' : `volumes/${place}/restic/snapshots`;
    expect(await volumes.names(system, 'kylon-store', `d/${domain}/${content}`)).not.toEqual([]);
    await create(restoreOfSnapshot(place, name, name, { name, verify: true }));
    await complete(kubectl, restores, { namespace: place, name });
    expect(await volumes.read(place, name, 'greeting')).toBe('hello\n');
  });

  it('serves on while its Pods are replaced, and nothing is lost', async () => {
    const before = await kubectl.list(`${backups},${restores},${snapshots}`, '-n', place);
    await kubectl.run(['rollout', 'restart', 'deployment/kylon', '-n', system]);
    const rollout = kubectl.run(['rollout', 'status', 'deployment/kylon', '-n', system, '--timeout=180s']);
    const over = new AbortController();
    const ending = rollout.finally(() => over.abort());
    for (let n = 0; !over.signal.aborted; n++) await create(backup(place, `meanwhile-${n}`, { includedResources: ['configmaps'] }));
    await ending;
    const after = await kubectl.list(`${backups},${restores},${snapshots}`, '-n', place);
    const uids = after.map(({ metadata }) => metadata.uid);
    expect(before.filter(({ metadata }) => !uids.includes(metadata.uid))).toEqual([]);
    const made = after.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('meanwhile-'));
    expect(made.length).toBeGreaterThan(0);
    for (const name of made) await complete(kubectl, backups, { namespace: place, name });
  });
});
