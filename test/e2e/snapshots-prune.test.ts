/** Repositories of volumes, checked and pruned by real restic in real Pods beside the movers of a cluster. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon, portOf } from './kylon.ts';
import { moverFlags, withMovers } from './mover-image.ts';
import { complete, namespace, path, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { claim, Storage, writer } from './volumes.ts';

const cluster = withMovers(findCluster());
const { title, options } = suite('the repository of a namespace', cluster);
const bst = 'backupstores.backup.kylon.io';
const MiB = 1024 * 1024;
/** Of pruning, and of whoever waits for that. */
const patience = 150_000;

describe(title, { ...options, timeout: 400_000 }, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const [place, busy, hurt] = ['kylon-prune', 'kylon-prune-busy', 'kylon-prune-hurt'];
  const [data, stores] = [temporaryFolder(), temporaryFolder()];
  const [own, archive] = [join(data, 'store'), join(stores, 'archive')];
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    const often = ['--default-repo-maintain-frequency=1m', `--store-folder=${stores}`];
    kylon = await Kylon.beside(kubeconfig, { data, flags: [...(await moverFlags(kubectl)), ...often] });
    await create({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'BackupStore',
      metadata: { name: 'archive' },
      spec: { url: pathToFileURL(archive).href },
    });
    for (const where of [place, busy, hurt]) {
      await kubectl.run(['create', '-f', '-'], [namespace(where), claim(where, 'data'), writer(where, 'writer', 'data')]);
      await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', where, '--timeout=120s']);
    }
  }, coldBuild);
  afterAll(async () => {
    for (const where of [place, busy, hurt]) await kubectl.try(['delete', snapshots, '--all', '-n', where, '--timeout=60s']);
    await kubectl.try(['delete', bst, 'archive', '--timeout=60s']);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, busy, hurt, '--ignore-not-found']);
    // Of a Kylon that was killed: they have no claim with which they would go, and another store's Kylon does not know them.
    await kubectl.run(['delete', 'pods', '-n', 'kube-system', '-l', 'app.kubernetes.io/component=mover', '--now']);
  }

  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);
  /** What nobody has had before, in the place of what was there. */
  const fill = (where: string, mebibytes: number) =>
    kubectl.run(['exec', 'writer', '-n', where, '--', 'sh', '-c', `head -c ${mebibytes * MiB} /dev/urandom > /data/file`]);
  const take = async (where: string, name: string, spec: object = {}) => {
    await create(snapshot(where, name, 'data', { moveData: true, ...spec }));
    await complete(kubectl, snapshots, { namespace: where, name });
  };
  const forget = (where: string, name: string) => kubectl.run(['delete', snapshots, name, '-n', where, '--timeout=60s']);
  const expectRestorable = async (where: string, name: string) => {
    await create(restoreOfSnapshot(where, name, name, { name, verify: true }));
    await complete(kubectl, restores, { namespace: where, name });
    expect(await volumes.hash(where, name, 'file')).toBe(await volumes.hash(where, 'data', 'file'));
  };

  /** The files in a folder of the cluster in the store. */
  const filesIn = (store: string, folder: string) => {
    const domains = existsSync(join(store, 'd')) ? readdirSync(join(store, 'd')) : [];
    const found = domains.map((domain) => join(store, 'd', domain, folder)).filter((one) => existsSync(one));
    return found.flatMap((one) => readdirSync(one, { recursive: true, encoding: 'utf8' }).map((name) => join(one, name)));
  };
  const packsOf = (where: string, store = own) =>
    filesIn(store, `volumes/${where}/restic/data`).filter((file) => /^[0-9a-f]{64}$/.test(basename(file)));
  const bytesOf = (where: string, store = own) => packsOf(where, store).reduce((sum, file) => sum + statSync(file).size, 0);
  const marksOf = (where: string, store = own) => filesIn(store, `forgotten/${where}`);
  const isPruned = (where: string, store = own) => eventually(async () => marksOf(where, store).length === 0, patience);
  const timesChecked = (where: string) => Math.max(...filesIn(own, `checked/${where}`).map((file) => Number(basename(file).split('.')[0])));
  const pods = async (where: string) => {
    const found = await kubectl.list('pods', '-n', 'kube-system', '-l', 'app.kubernetes.io/component=mover');
    return found.filter(({ metadata }) => metadata.annotations?.['backup.kylon.io/pruned-namespace'] === where);
  };
  const damagedOnes = async () => {
    const server = `--server=https://localhost:${await portOf(kubectl)}`;
    const figures = await kubectl.run(['get', '--raw', '/metrics', server, '--insecure-skip-tls-verify']);
    return /^kylon_repository_check_failed (\d+)$/m.exec(figures)?.[1];
  };

  it('frees what deleted Snapshots held, and nothing else', async () => {
    await fill(place, 30);
    await take(place, 'old');
    await fill(place, 30);
    await take(place, 'kept');
    expect(bytesOf(place)).toBeGreaterThan(60 * MiB);
    await forget(place, 'old');
    expect(marksOf(place)).toHaveLength(1);
    await isPruned(place);
    expect(bytesOf(place)).toBeLessThan(33 * MiB);
    await expectRestorable(place, 'kept');
    expect(await kubectl.run(['get', '--raw', path(place, 'snapshots/kept/files')])).toContain('"file"');
    await eventually(async () => (await pods(place)).length === 0);
  });

  it('is checked from time to time, though nothing was deleted', async () => {
    const before = timesChecked(place);
    await eventually(async () => timesChecked(place) > before, patience);
    expect(filesIn(own, `checked/${place}`)).toHaveLength(1);
    expect(await damagedOnes()).toBe('0');
  });

  it('is pruned in each store by itself, and used again after nothing was left in it', async () => {
    await kubectl.run(['wait', '--for=condition=Available', `${bst}/archive`, '--timeout=60s']);
    const before = packsOf(place);
    await take(place, 'far', { storeName: 'archive' });
    expect(bytesOf(place, archive)).toBeGreaterThan(30 * MiB);
    await forget(place, 'far');
    await isPruned(place, archive);
    expect(packsOf(place, archive)).toEqual([]);
    expect(packsOf(place)).toEqual(before);
    await take(place, 'again', { storeName: 'archive' });
    await expectRestorable(place, 'again');
  });

  it('is not pruned beside a mover that writes', async () => {
    await fill(busy, 20);
    await take(busy, 'old');
    await fill(busy, 40);
    await create(snapshot(busy, 'slow', 'data', { method: 'File', throttle: { upload: '1Mi' } }));
    const locks = () => filesIn(own, `volumes/${busy}/restic/locks`);
    const isAlone = async () => locks().length === 1 && (await pods(busy)).length === 0;
    const [lock = ''] = await eventually(async () => ((await isAlone()) ? locks() : undefined), 60_000);
    const before = packsOf(busy);
    await forget(busy, 'old');
    await eventually(async () => (await pods(busy)).some(({ status }) => status?.['phase'] === 'Running'), 60_000);
    let looks = 0;
    for (; ; looks++) {
      const [packs, marks] = [packsOf(busy), marksOf(busy)];
      if (!existsSync(lock)) break;
      expect(packs).toEqual(expect.arrayContaining(before));
      expect(marks).toHaveLength(1);
      await sleep(500);
    }
    expect(looks).toBeGreaterThan(10);
    await complete(kubectl, snapshots, { namespace: busy, name: 'slow' });
    await isPruned(busy);
    expect(bytesOf(busy)).toBeLessThan(43 * MiB);
    await expectRestorable(busy, 'slow');
  });

  it('that is damaged in one pack is told, and not pruned until it is whole', async () => {
    await fill(hurt, 30);
    await take(hurt, 'old');
    await fill(hurt, 30);
    await take(hurt, 'kept');
    const before = packsOf(hurt);
    const [pack = ''] = before.toSorted((one, other) => statSync(other).size - statSync(one).size);
    turnByte(pack);
    readNext(pack);
    await forget(hurt, 'old');
    const told = async () => {
      const events = await kubectl.list('events', '-n', hurt, '--field-selector=reason=RepositoryDamaged');
      return events.find((event) => (event as unknown as { involvedObject: { name: string } }).involvedObject.name === 'kept');
    };
    const event = (await eventually(told, patience)) as unknown as { message: string; type: string };
    expect(event).toMatchObject({ type: 'Warning', message: expect.stringContaining(`namespace "${hurt}" is damaged`) });
    expect(await damagedOnes()).toBe('1');
    expect(packsOf(hurt)).toEqual(before);
    expect(marksOf(hurt)).toHaveLength(1);

    turnByte(pack);
    await isPruned(hurt);
    expect(await damagedOnes()).toBe('0');
    expect(bytesOf(hurt)).toBeLessThan(33 * MiB);
    await expectRestorable(hurt, 'kept');
  });

  /** In the middle of the file; the second time it is whole again. */
  function turnByte(file: string): void {
    const [handle, byte] = [openSync(file, 'r+'), Buffer.alloc(1)];
    const middle = Math.floor(statSync(file).size / 2);
    readSync(handle, byte, 0, 1, middle);
    writeSync(handle, Buffer.of(byte.readUInt8() ^ 1), 0, 1, middle);
    closeSync(handle);
  }

  /** Has the next check be the one that reads this pack, and be due: each reads those of which the first byte, modulo 30, is the number of the checks before it. */
  function readNext(pack: string): void {
    const folder = join(pack, '../../../../../../checked', hurt);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${30 + (Number.parseInt(basename(pack).slice(0, 2), 16) % 30)}.0`), '');
  }
});
