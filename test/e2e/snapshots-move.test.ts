/** Volumes copied into the object store and back, by real restic in real Pods. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, withMovers } from './mover-image.ts';
import {
  backup,
  backups,
  complete,
  ended,
  gone,
  namespace,
  path,
  restore,
  restoreOfSnapshot,
  restores,
  snapshot,
  snapshots,
} from './objects.ts';
import { eventually } from './process.ts';
import { claim, restrictedWriter, Storage, storageClass, volumeSnapshotContents, volumeSnapshots, writer } from './volumes.ts';

const cluster = withMovers(findCluster());
const moved = suite('volumes in the object store', cluster);

describe(moved.title, moved.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-move';
  const confined = 'kylon-move-restricted';
  const retaining = 'kylon-move-retaining';
  const data = temporaryFolder();
  let kylon: Kylon;
  let flags: readonly string[];

  beforeAll(async () => {
    await tidy();
    flags = await moverFlags(kubectl);
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await inPod('echo hello > /data/greeting');
    kylon = await Kylon.beside(kubeconfig, { data, flags });
  }, coldBuild);
  afterAll(async () => {
    for (const one of [place, confined]) await kubectl.try(['delete', snapshots, '--all', '-n', one]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, confined, '--ignore-not-found']);
    await kubectl.run(['delete', 'storageclass', retaining, '--ignore-not-found']);
  }

  const inPod = (script: string, pod = 'writer', where = place) => kubectl.run(['exec', pod, '-n', where, '--', 'sh', '-c', script]);
  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);
  const take = async (name: string, spec: object = {}, claimName = 'data', where = place) => {
    await create(snapshot(where, name, claimName, spec));
    return complete(kubectl, snapshots, { namespace: where, name });
  };
  const bring = async (name: string, snapshotName: string, spec: object = {}, where = place, claim: object = {}) => {
    await create(restoreOfSnapshot(where, name, snapshotName, { name, ...claim }, spec));
    return complete(kubectl, restores, { namespace: where, name });
  };
  /** What helps to copy, and is to go. */
  const helpers = async (where = place) => {
    const found = await kubectl.list('pods,secrets,pvc', '-n', where, '-l', 'app.kubernetes.io/managed-by=kylon');
    return [...found, ...(await kubectl.list(volumeSnapshots, '-n', where))].map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  };
  const nothingIsLeft = (where = place) => eventually(async () => (await helpers(where)).length === 0, 60_000);
  /** Ids of what the repository of the namespace holds. */
  const kept = () => {
    const [domain = ''] = readdirSync(join(data, 'store/d'));
    return readdirSync(join(data, 'store/d', domain, 'volumes', place, 'restic/snapshots'));
  };

  it('are copied from what the driver has taken, which goes then', async () => {
    const { status } = await take('first', { moveData: true });
    expect(status).toMatchObject({ phase: 'Completed', method: 'File', readyToUse: true, files: 1, bytesRead: 6, claim: { name: 'data' } });
    expect(kept()).toContain(status?.['handle']);
    await nothingIsLeft();
    expect(volumes.snapshots()).toEqual([]);
    expect(await kubectl.list(volumeSnapshotContents)).toEqual([]);
  });

  it('come back as a new claim, as they were', async () => {
    await inPod('echo changed > /data/greeting');
    const { status } = await bring('copy', 'first');
    expect(status).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
    expect(await volumes.read(place, 'copy', 'greeting')).toBe('hello\n');
    expect(await volumes.read(place, 'data', 'greeting')).toBe('changed\n');
    await nothingIsLeft();
  });

  it('keep owners, modes, times, extended attributes, links, holes and odd names', async () => {
    const odd = [
      "cd /data && mkdir -p odd && cd odd && printf 'a' > 'a b' && printf 'n' > \"$(printf 'new\\nline')\" && printf 'u' > 'ünïcödé ☃'",
      "ln 'a b' hard && ln -s 'a b' soft && mkfifo pipe && dd if=/dev/zero of=sparse bs=1 count=1 seek=10485760 2>/dev/null",
      "chown 1234:4321 'a b' && chmod 4750 'ünïcödé ☃' && touch -d '2001-02-03 04:05:06' soft sparse && mkdir -m 1777 sticky && : > ./-rf && chmod 2770 /data && chown 7:8 /data",
    ].join(' && ');
    await inPod(odd);
    await volumes.adorn(place, 'data', 'odd/a b');
    const adorned = await volumes.adornment(place, 'data', 'odd/a b');
    expect(adorned.attribute).toContain('user.kylon');
    await take('odd', { moveData: true });
    await bring('odd', 'odd', {}, place, { verify: true });
    await create(writer(place, 'reader', 'odd'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/reader', '-n', place, '--timeout=120s']);
    const look =
      "stat -c '%a %u:%g' /data; cd /data/odd && find . -exec stat -c '%n %F %a %u:%g %s %Y %h' {} + | sort && readlink soft && md5sum sparse";
    const before = await inPod(look);
    expect(await inPod(look, 'reader')).toBe(before);
    expect(await volumes.adornment(place, 'odd', 'odd/a b')).toEqual(adorned);
    expect(Number(await inPod('stat -c %b /data/odd/sparse', 'reader'))).toBeLessThan(64);
    await kubectl.run(['delete', 'pod', 'reader', '-n', place, '--now']);
  });

  it('can be looked into, without a Pod', async () => {
    const raw = (rest: string) => kubectl.run(['get', '--raw', path(place, `snapshots/odd/${rest}`)]);
    const { items } = JSON.parse(await raw('files?path=/odd')) as { items: { name: string; mode: string; uid: number }[] };
    expect(items.map(({ name }) => name)).toEqual(['-rf', 'a b', 'hard', 'new\nline', 'pipe', 'soft', 'sparse', 'sticky', 'ünïcödé ☃']);
    expect(items.find(({ name }) => name === 'a b')).toMatchObject({ uid: 1234, mode: '0644' });
    expect(await raw('download?path=/odd/a%20b')).toBe('a');
    expect(await raw('download?path=/greeting')).toBe('changed\n');
    expect(await kubectl.fails(['get', '--raw', path(place, 'snapshots/odd/download?path=/odd/../..')])).toMatch(/path/);
    expect(await kubectl.list('pods', '-n', place, '-l', 'app.kubernetes.io/component=mover')).toEqual([]);
  });

  it('leave no volume through which they were copied, though their class retains volumes', async () => {
    await create(storageClass(retaining, {}, { reclaimPolicy: 'Retain' }));
    await create(claim(place, 'retained', { storageClassName: retaining }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/retained', '-n', place, '--timeout=60s']);
    await take('retained', { moveData: true }, 'retained');
    await nothingIsLeft();
    const made = async () => {
      const found = await kubectl.list('pv');
      return found.filter(({ spec }) => (spec?.['claimRef'] as { name?: string } | undefined)?.name?.startsWith('kylon-'));
    };
    await eventually(async () => (await made()).length === 0, 30_000);
    const { spec } = await kubectl.get('pvc', 'retained', '-n', place);
    const volume = String(spec?.['volumeName']);
    expect((await kubectl.get('pv', volume)).spec).toMatchObject({ persistentVolumeReclaimPolicy: 'Retain' });
    await kubectl.run(['patch', 'pv', volume, '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}']);
  });

  it('come of what the driver has kept for long', async () => {
    const { status } = await take('kept');
    await inPod('echo later > /data/greeting');
    const source = { volumeSnapshotName: String(status?.['volumeSnapshotName']) };
    await create({ ...snapshot(place, 'shown', ''), spec: { source, moveData: true } });
    const { status: shown } = await complete(kubectl, snapshots, { namespace: place, name: 'shown' });
    expect(shown).toMatchObject({ method: 'File', creationTime: status?.['creationTime'] });
    expect(await kubectl.run(['get', '--raw', path(place, 'snapshots/shown/download?path=/greeting')])).toBe('changed\n');
    expect(volumes.snapshots()).toContain(status?.['handle']);
    await kubectl.run(['delete', snapshots, 'kept', '-n', place, '--timeout=60s']);
    await nothingIsLeft();
    expect(await kubectl.run(['get', '--raw', path(place, 'snapshots/shown/download?path=/greeting')])).toBe('changed\n');
    await inPod('echo changed > /data/greeting');
  });

  it('may be of very many files', async () => {
    await create(claim(place, 'many'));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/many', '-n', place, '--timeout=60s']);
    await volumes.fill(place, 'many', 100_000);
    const { status } = await take('many', { moveData: true }, 'many');
    expect(status).toMatchObject({ phase: 'Completed', files: 100_000 });
    await bring('many-copy', 'many');
    expect(await volumes.sum(place, 'many-copy')).toBe(await volumes.sum(place, 'many'));
    const began = performance.now();
    const page = await kubectl.run(['get', '--raw', path(place, 'snapshots/many/files?path=/42&limit=10')]);
    expect((JSON.parse(page) as { items: unknown[] }).items).toHaveLength(10);
    expect(performance.now() - began).toBeLessThan(3_000);
    await kubectl.run(['delete', 'pvc', 'many', 'many-copy', '-n', place]);
  });

  it('cost only what is new', async () => {
    await inPod('head -c 20000000 /dev/urandom > /data/large');
    const { status: first } = await take('large', { moveData: true });
    const { status: second } = await take('large-again', { moveData: true });
    expect(Number(first?.['bytesAdded'])).toBeGreaterThan(19_000_000);
    expect(Number(second?.['bytesAdded'])).toBeLessThan(1_000_000);
    expect(second?.['bytesRead']).toBe(first?.['bytesRead']);
  });

  it('are moved as fast as is said, and brought back so', async () => {
    await create(claim(place, 'slow'));
    await create(writer(place, 'slow', 'slow'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/slow', '-n', place, '--timeout=120s']);
    await inPod('head -c 20000000 /dev/urandom > /data/large', 'slow');
    const secondsOf = ({ startTimestamp, completionTimestamp }: Record<string, unknown> = {}) =>
      (Date.parse(String(completionTimestamp)) - Date.parse(String(startTimestamp))) / 1_000;
    const { status: up } = await take('slow', { method: 'File', throttle: { upload: '1Mi' } }, 'slow');
    const { status: down } = await bring('slow-copy', 'slow', { throttle: { download: '1Mi' } });
    const { status: free } = await bring('fast-copy', 'slow');
    for (const limited of [up, down]) expect(secondsOf(limited)).toBeGreaterThan(17);
    expect(secondsOf(free)).toBeLessThan(17);
    expect(await volumes.hash(place, 'slow-copy', 'large')).toBe(await volumes.hash(place, 'fast-copy', 'large'));
    await kubectl.run(['delete', 'pod', 'slow', '-n', place, '--now']);
  });

  it('are copied while they are used, with method File, where several Pods share them too', async () => {
    const { status } = await take('live', { method: 'File' });
    expect(status).toMatchObject({ phase: 'Completed', method: 'File' });
    await create(claim(place, 'shared', { accessModes: ['ReadWriteMany'] }));
    for (const pod of ['one', 'two']) await create(writer(place, pod, 'shared'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/one', 'pod/two', '-n', place, '--timeout=120s']);
    for (const pod of ['one', 'two']) await inPod(`echo ${pod} > /data/${pod}`, pod);
    await take('shared', { method: 'File' }, 'shared');
    await bring('shared-copy', 'shared');
    expect(await volumes.read(place, 'shared-copy', 'one')).toBe('one\n');
    expect(await volumes.read(place, 'shared-copy', 'two')).toBe('two\n');
  });

  it('may be blocks', async () => {
    await create(claim(place, 'block', { volumeMode: 'Block', resources: { requests: { storage: '64Mi' } } }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/block', '-n', place, '--timeout=60s']);
    await volumes.writeBlock(place, 'block', 'raw');
    await volumes.writeBlock(place, 'block', 'last', (64 << 20) - 4);
    const { status } = await take('block', { moveData: true }, 'block');
    expect(status).toMatchObject({ method: 'File', bytesRead: 64 << 20 });
    await bring('block-copy', 'block', {}, place, { verify: true });
    expect((await kubectl.get('pvc', 'block-copy', '-n', place)).spec).toMatchObject({ volumeMode: 'Block' });
    expect(await volumes.hashOfBlock(place, 'block-copy')).toBe(await volumes.hashOfBlock(place, 'block'));
    expect(await volumes.roomOfBlock(place, 'block-copy')).toBeLessThan(1 << 20);
  });

  it('are as they were though they are blocks, a mover was killed, and something was in their place', async () => {
    const saved = await volumes.fillBlock(place, 'block');
    await take('blocks', { moveData: true }, 'block');
    await create(restoreOfSnapshot(place, 'blocks', 'blocks', { name: 'blocks', verify: true }, { throttle: { download: '2Mi' } }));
    const found = (what: string, ...args: string[]) =>
      eventually(async () => {
        const [first] = await kubectl.list(what, '-n', place, '-l', 'app.kubernetes.io/managed-by=kylon', ...args);
        return first?.metadata;
      }, 60_000);
    const pod = await found('pods', '--field-selector=status.phase=Running');
    const { name } = await found('pvc');
    // Where there are zeros between what was saved.
    await volumes.writeBlock(place, name, 'of somebody else', 5 << 20);
    await kubectl.run(['delete', 'pod', pod.name, '-n', place, '--now']);
    const { uid } = await found('pods', '--field-selector=status.phase=Running');
    expect(uid).not.toBe(pod.uid);
    const { status } = await complete(kubectl, restores, { namespace: place, name: 'blocks' });
    expect(status).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
    expect(await volumes.hashOfBlock(place, 'blocks')).toBe(saved);
    expect(await volumes.roomOfBlock(place, 'blocks')).toBeLessThan(24 << 20);
  });

  it('go back into the claim that is there', async () => {
    await create(restoreOfSnapshot(place, 'undo', 'first', { name: 'copy' }, { existingResourcePolicy: 'Update' }));
    const { status } = await complete(kubectl, restores, { namespace: place, name: 'undo' });
    expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1, failed: 0 } });
    expect(await volumes.read(place, 'copy', 'greeting')).toBe('hello\n');
    await nothingIsLeft();
  });

  it('fill claims that name them', async () => {
    const dataSourceRef = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 'first' };
    await create(claim(place, 'populated', { dataSourceRef }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/populated', '-n', place, '--timeout=120s']);
    expect(await volumes.read(place, 'populated', 'greeting')).toBe('hello\n');
    await nothingIsLeft();
  });

  it('are moved by a Backup, and come back with it', async () => {
    const rules = [{ conditions: { labels: { move: 'yes' } }, action: 'Move' }];
    await kubectl.run(['label', 'pvc', 'shared-copy', '-n', place, 'move=yes']);
    await create(backup(place, 'all', { includedResources: ['persistentvolumeclaims'], volumes: { rules } }));
    const { status } = await complete(kubectl, backups, { namespace: place, name: 'all' });
    expect(status).toMatchObject({ phase: 'Completed' });
    await kubectl.run(['delete', 'pvc', 'shared-copy', '-n', place]);
    await create(restore(place, 'all', 'all'));
    const { status: done } = await complete(kubectl, restores, { namespace: place, name: 'all' });
    expect(done).toMatchObject({ phase: 'Completed' });
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/shared-copy', '-n', place, '--timeout=120s']);
    expect(await volumes.read(place, 'shared-copy', 'one')).toBe('one\n');
    await kubectl.run(['delete', backups, 'all', '-n', place, '--timeout=60s']);
  });

  it('are read as who uses them, where nobody may be root', async () => {
    await create(namespace(confined, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
    await create(claim(confined, 'data'));
    await create(restrictedWriter(confined, 'writer', 'data'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', confined, '--timeout=120s']);
    await inPod('echo mine > /data/own && chmod 600 /data/own', 'writer', confined);
    await take('own', { moveData: true }, 'data', confined);
    await bring('own', 'own', {}, confined);
    expect(await volumes.read(confined, 'own', 'own')).toBe('mine\n');
  });

  it('are copied to the end though the Pod is killed, and though Kylon is', async () => {
    await inPod('head -c 400000000 /dev/urandom > /data/huge');
    await create(snapshot(place, 'huge', 'data', { moveData: true }));
    const running = () =>
      kubectl.list('pods', '-n', place, '-l', 'app.kubernetes.io/component=mover', '--field-selector=status.phase=Running');
    const [pod] = await eventually(async () => ((await running()).length > 0 ? running() : undefined), 60_000);
    await kubectl.run(['delete', 'pod', pod?.metadata.name ?? '', '-n', place, '--now']);
    await eventually(async () => (await running()).some(({ metadata }) => metadata.uid !== pod?.metadata.uid), 60_000);
    await kylon.discard();
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    const { status } = await complete(kubectl, snapshots, { namespace: place, name: 'huge' });
    expect(status).toMatchObject({ phase: 'Completed', method: 'File' });
    await bring('huge', 'huge');
    const sums = await Promise.all(['data', 'huge'].map(async (name) => volumes.hash(place, name, 'huge')));
    expect(sums[0]).toBe(sums[1]);
    await nothingIsLeft();
  });

  it('leave nothing when they are deleted, in the middle too', async () => {
    await create(snapshot(place, 'given-up', 'data', { moveData: true }));
    await eventually(async () => (await helpers()).some((name) => name.startsWith('Pod/')), 60_000);
    await kubectl.run(['delete', snapshots, 'given-up', '-n', place, '--timeout=60s']);
    await nothingIsLeft();
    const { status } = await kubectl.get(snapshots, 'first', '-n', place);
    await kubectl.run(['delete', snapshots, 'first', '-n', place, '--timeout=60s']);
    expect(kept()).not.toContain(status?.['handle']);
  });

  it('fail with the reason', async () => {
    await create(snapshot(place, 'nowhere', 'no-claim', { method: 'File' }));
    const { status } = await ended(kubectl, snapshots, { namespace: place, name: 'nowhere' });
    expect(status?.['failureReason']).toMatch(/^ClaimNotFound: /);
    await create(restoreOfSnapshot(place, 'taken', 'odd', { name: 'data' }));
    const { status: taken } = await ended(kubectl, restores, { namespace: place, name: 'taken' });
    expect(taken?.['failureReason']).toMatch(/^ClaimExists: /);
    await create(restoreOfSnapshot(place, 'tiny', 'huge', { name: 'tiny', size: '1Mi' }));
    const { status: tiny } = await ended(kubectl, restores, { namespace: place, name: 'tiny' });
    expect(tiny?.['failureReason']).toMatch(/^ClaimTooSmall: /);
    await gone(kubectl, 'pvc', 'tiny', '-n', place);
  });
});
