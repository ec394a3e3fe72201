/** Volumes that are written to all the time while they are copied, and whose Pods, the movers too, all end at once. */
import { chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, withMovers } from './mover-image.ts';
import { complete, namespace, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { makeOddTree, sparseBytes, treeOf } from './odd-tree.ts';
import type { Tree } from './odd-tree.ts';
import { eventually } from './process.ts';
import { busy, claim, snapshotClass, Storage, volumeSnapshots } from './volumes.ts';

const cluster = withMovers(findCluster());
const loaded = suite('volumes under load', cluster);

/** Each Pod has a file of its own, to which it adds lines: 1, 2, 3 … */
const appending = 'n=0; while :; do for i in 1 2 3 4 5 6 7 8 9 10; do echo $((n+=1)); done >> /data/$HOSTNAME; sleep 0.05; done';
/** Files come, by a rename, and go; each holds its number, of which its name is the rest. The one of a Pod that was ended by force may go on beside the next. */
const churning =
  'mkdir -p /data/churn; n=0; while :; do n=$((n+1)); echo $n > /data/churn/new-$HOSTNAME; mv /data/churn/new-$HOSTNAME /data/churn/$((n%500)); rm -f /data/churn/$(((n+250)%500)); sleep 0.05; done';
const blockLength = 4096;
const blocks = 256;
/** One block after the other, each of which begins and ends with its number. */
const overwriting = `n=0; while :; do n=$((n+1)); printf %07d%04082d%07d $n 0 $n | dd of=/dev/data bs=${blockLength} seek=$((n%${blocks})) conv=notrunc,fsync 2>/dev/null; sleep 0.05; done`;
const files = 100_000;
const oddBytes = 1_000_000;
const claims = ['shared', 'files', 'block'];
/** As the tar of BusyBox, which the Pods have, brings it back: without the times of folders and fractions of a second. */
const byBusyBox = (tree: Tree): Tree =>
  Object.fromEntries(
    Object.entries(tree).map(([name, { mtimeMs = 0, ...entry }]) => [
      name,
      { ...entry, ...('size' in entry && { mtimeMs: mtimeMs - (mtimeMs % 1000) }) },
    ]),
  );

describe(loaded.title, loaded.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-load';
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    const size = { resources: { requests: { storage: '64Mi' } } };
    await create(namespace(place));
    await create(claim(place, 'shared', { accessModes: ['ReadWriteMany'] }));
    await create(claim(place, 'files'));
    await create(claim(place, 'block', { volumeMode: 'Block', ...size }));
    await kubectl.run([
      'wait',
      '--for=jsonpath={.status.phase}=Bound',
      '-n',
      place,
      '--timeout=60s',
      ...claims.map((name) => `pvc/${name}`),
    ]);
    await volumes.fill(place, 'files', files);
    await beOdd();
    await volumes.fillBlock(place, 'block');
    await volumes.writeBlock(place, 'block', '\0'.repeat(blocks * blockLength));
    await create(busy(place, 'shared', appending, 2));
    await create(busy(place, 'files', churning));
    await create(busy(place, 'block', overwriting, 1, true));
    for (const name of claims) await kubectl.run(['rollout', 'status', `deployment/${name}`, '-n', place, '--timeout=120s']);
    const [pod] = await kubectl.list('pods', '-n', place, '-l', 'app=shared');
    const ballast = 'mkdir /data/ballast && head -c 4000000 /dev/urandom > /data/ballast/random';
    await kubectl.run(['exec', pod?.metadata.name ?? '', '-n', place, '--', 'sh', '-c', ballast]);
    kylon = await Kylon.beside(kubeconfig, { data: temporaryFolder(), flags: await moverFlags(kubectl) });
  }, coldBuild);
  afterAll(async () => {
    await kubectl.try(['delete', snapshots, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.try(['create', '-f', '-'], usualClass);
  }

  /** Beside the files that come and go: odd names, links, holes, owners, modes, times and an extended attribute. */
  async function beOdd(): Promise<void> {
    const folder = await volumes.folder(place, 'files', 'odd');
    mkdirSync(folder);
    makeOddTree(folder, oddBytes);
    for (const name of ['empty', 'large', 'one']) chownSync(join(folder, name), 1234, 4321);
    await volumes.adorn(place, 'files', 'odd/large');
  }

  const usualClass = snapshotClass('directory', {
    metadata: { name: 'directory', annotations: { 'snapshot.storage.kubernetes.io/is-default-class': 'true' } },
  });
  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);
  const nameOf = (way: string, volume: string) => `${way}-${volume}`;
  const take = (way: string, volume: string, spec: object) =>
    create(snapshot(place, nameOf(way, volume), volume, { timeout: '60s', ...spec }));
  const bring = (way: string, volume: string, spec: object = {}) => {
    const name = nameOf(way, volume);
    return create(restoreOfSnapshot(place, name, name, { name, verify: true }, spec));
  };
  const allComplete = (what: string, way: string, of: readonly string[]) =>
    Promise.all(of.map((volume) => complete(kubectl, what, { namespace: place, name: nameOf(way, volume) })));
  const nothingIsLeft = () =>
    eventually(async () => {
      const made = await kubectl.list('pods,secrets,pvc', '-n', place, '-l', 'app.kubernetes.io/managed-by=kylon');
      return made.length === 0 && (await kubectl.list(volumeSnapshots, '-n', place)).length === 0;
    }, 60_000);
  const warningsOf = async (name: string) => {
    const events = await kubectl.list('events', '-n', place, `--field-selector=involvedObject.name=${name},reason=Warnings`);
    return events.map((event) => (event as unknown as { message: string }).message);
  };

  /** Of each Pod as many lines as it had written by then: none is missing in between, and the last may be there by half. */
  async function linesAreWhole(claimName: string): Promise<void> {
    const names = (await volumes.names(place, claimName, '.')).filter((name) => name !== 'ballast');
    const [there, here] = await Promise.all([claimName, 'shared'].map((name) => volumes.hash(place, name, 'ballast/random')));
    expect(there).toBe(here);
    expect(names.length).toBeGreaterThanOrEqual(2);
    for (const name of names) {
      const lines = (await volumes.read(place, claimName, name)).split('\n').slice(0, -1);
      expect(lines.length).toBeGreaterThan(10);
      expect(lines.findIndex((line, index) => line !== String(index + 1))).toBe(-1);
    }
  }

  /** `byTar`: holes and extended attributes do not come along either. */
  async function oddsAreWhole(claimName: string, byTar: boolean): Promise<void> {
    const [there, here] = await Promise.all([claimName, 'files'].map((name) => volumes.folder(place, name, 'odd')));
    const odd = (folder = '') => (byTar ? byBusyBox(treeOf(folder)) : treeOf(folder));
    expect(odd(there)).toEqual(odd(here));
    if (byTar) return;
    expect(512 * statSync(`${there}/sparse`).blocks).toBeLessThan(sparseBytes / 8);
    expect(await volumes.adornment(place, claimName, 'odd/large')).toEqual(await volumes.adornment(place, 'files', 'odd/large'));
  }

  async function filesAreWhole(claimName: string): Promise<void> {
    const others = ['churn', 'odd'];
    expect(await volumes.sum(place, claimName, others)).toBe(await volumes.sum(place, 'files', others));
    const churned = (await volumes.names(place, claimName, 'churn')).filter((name) => !name.startsWith('new-'));
    expect(churned.length).toBeGreaterThan(0);
    for (const name of churned) expect(Number(await volumes.read(place, claimName, `churn/${name}`)) % 500).toBe(Number(name));
  }

  /** `written`: how many of them at least have been written to. */
  async function blocksAreWhole(claimName: string, written: number): Promise<void> {
    const content = await volumes.readBlock(place, claimName, blocks * blockLength);
    const all = Array.from({ length: blocks }, (_, index) => content.slice(index * blockLength, (index + 1) * blockLength));
    const touched = all.filter((block) => block !== '\0'.repeat(blockLength));
    expect(touched.length).toBeGreaterThan(written);
    for (const block of touched) expect(block).toMatch(/^(\d{7})0+\1$/);
    const after = blocks * blockLength;
    expect(await volumes.hashOfBlock(place, claimName, after)).toBe(await volumes.hashOfBlock(place, 'block', after));
  }

  const areWhole = (way: string, of: readonly string[]) =>
    Promise.all([
      of.includes('shared') && linesAreWhole(nameOf(way, 'shared')),
      of.includes('files') && filesAreWhole(nameOf(way, 'files')),
      of.includes('files') && oddsAreWhole(nameOf(way, 'files'), way === 'tar'),
      of.includes('block') && blocksAreWhole(nameOf(way, 'block'), 10),
    ]);

  async function takeAndBring(way: string, spec: object, of = claims): Promise<void> {
    await Promise.all(of.map((volume) => take(way, volume, spec)));
    await allComplete(snapshots, way, of);
    await Promise.all(of.map((volume) => bring(way, volume)));
    await allComplete(restores, way, of);
    await areWhole(way, of);
    await kubectl.run(['delete', 'pvc', '-n', place, ...of.map((volume) => nameOf(way, volume))]);
    await nothingIsLeft();
  }

  it('are copied from what the driver has taken', async () => {
    await takeAndBring('taken', { moveData: true });
  });

  it('are copied from a clone where the driver takes no snapshots', async () => {
    await kubectl.run(['delete', 'volumesnapshotclass', 'directory']);
    await takeAndBring('cloned', { moveData: true });
    for (const volume of claims) {
      const { status } = await kubectl.get(snapshots, nameOf('cloned', volume), '-n', place);
      expect(status?.['creationTime']).toBeDefined();
      expect(await warningsOf(nameOf('cloned', volume))).toEqual([]);
    }
  });

  it('are copied as they are where they cannot be cloned either, which is told', async () => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'full', namespace: place } };
    await create({ ...quota, spec: { hard: { persistentvolumeclaims: String(claims.length) } } });
    await eventually(async () => (await kubectl.get('resourcequota', 'full', '-n', place)).status?.['used'] !== undefined, 30_000);
    await take('full', 'shared', { moveData: true });
    const [{ status } = {}] = await allComplete(snapshots, 'full', ['shared']);
    expect(status).toMatchObject({ method: 'File', warnings: 1 });
    expect(status).not.toHaveProperty('creationTime');
    expect(await warningsOf(nameOf('full', 'shared'))).toEqual([
      expect.stringMatching(
        /^the volume is copied while it may be in use: .* has no default VolumeSnapshotClass; .*it was not cloned: .*exceeded quota/,
      ),
    ]);
    await kubectl.run(['delete', 'resourcequota', 'full', '-n', place]);
    await create(usualClass);
  });

  it('are copied as they are used', async () => {
    await takeAndBring('used', { method: 'File' });
  });

  it('are copied by tar', async () => {
    await takeAndBring('tar', { method: 'Copy' }, ['shared', 'files']);
  });

  it('are copied, and brought back, though all Pods of the node end at once in the middle', async () => {
    /** The last one at least is in the middle. */
    const areUnderway = (what: string, way: string) => async () => {
      const found = await Promise.all(claims.map((volume) => kubectl.get(what, nameOf(way, volume), '-n', place)));
      const isBegun = ({ status }: KubeObject) => ((status?.['progress'] as { bytesDone?: number } | undefined)?.bytesDone ?? 0) > 0;
      return (
        found.every((one) => isBegun(one) || one.status?.['phase'] === 'Completed') && found.at(-1)?.status?.['phase'] === 'InProgress'
      );
    };
    const endAll = () => kubectl.run(['delete', 'pods', '--all', '-n', place, '--grace-period=0', '--force']);
    await take('ended', 'shared', { method: 'Copy', throttle: { upload: '128Ki' } });
    await take('ended', 'files', { method: 'File', throttle: { upload: '1Mi' } });
    await take('ended', 'block', { moveData: true, throttle: { upload: '1Mi' } });
    await eventually(areUnderway(snapshots, 'ended'), 60_000);
    await endAll();
    const taken = await allComplete(snapshots, 'ended', claims);
    expect(taken.map(({ status }) => status?.['readyToUse'])).toEqual([true, true, true]);
    await Promise.all(claims.map((volume) => bring('ended', volume, { throttle: { download: '1Mi' } })));
    await eventually(areUnderway(restores, 'ended'), 60_000);
    await endAll();
    await allComplete(restores, 'ended', claims);
    await areWhole('ended', claims);
    await nothingIsLeft();
  });
});
