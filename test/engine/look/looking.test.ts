/** Who looks into what a driver keeps of a Snapshot: what he sees, as whom it is done, and what becomes of it. Real Pods are in test/e2e/snapshots-files.test.ts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { bytesOf } from '../../repository/reading/frozen.ts';
import { fastClock } from '../clocks.ts';
import { inFolder } from '../copy/local-program.ts';
import { oddVolume, temporary, told, untar } from '../copy/volume-tar.ts';
import type { Request } from '../memory-cluster.ts';
import { snapshotCluster } from '../snapshot/snapshot-cluster.ts';
import { volumeSnapshots } from '../snapshot/snapshot-kinds.ts';
import { alice, createWorkbench, forever, whileRunning } from '../workbench.ts';

let stop = () => {};
afterEach(() => stop());

const page = { limit: 500, continue: '', path: '' };
const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };

/** With a Snapshot that its driver keeps, and a kubelet that runs every Pod, unless it is to rest. */
async function scene({ root = oddVolume(), rests = false, movers = true }: { root?: string; rests?: boolean; movers?: boolean } = {}) {
  const { cluster, makeReady, collect } = snapshotCluster();
  cluster.execute = inFolder(root);
  const kubelet = { rests };
  const timer = setInterval(() => {
    makeReady();
    collect();
    for (const name of kubelet.rests ? [] : cluster.names('pods', 'shop')) run(name);
  }, 1);
  stop = () => clearInterval(timer);
  const run = (name: string) => {
    const pod = cluster.read('pods', 'shop', name)!;
    const status = { phase: 'Running', containerStatuses: [{ name: 'look', state: { running: {} } }] };
    if (!pod['status']) cluster.seed('pods', { ...pod, status });
  };
  const bench = createWorkbench({ cluster, storage: new MemoryStorage(), clock: fastClock, ...(movers && { mover }) });
  await bench.create(snapshots, 'shop', 's', { source: { persistentVolumeClaimName: 'data' } });
  const snapshot = await whileRunning(bench.engine, () => bench.ended(snapshots, 'shop', 's'));
  const { uid = '' } = snapshot.metadata;
  return {
    root,
    cluster,
    kubelet,
    bench,
    snapshot,
    helper: `kylon-${uid}`,
    pod: () => cluster.read('pods', 'shop', `kylon-${uid}`),
    helpers: () => [...cluster.names('pods', 'shop'), ...cluster.names('persistentvolumeclaims', 'shop').filter((name) => name !== 'data')],
    list: (path: string, more: object = {}, of: KubeObject = snapshot) =>
      bench.engine.services.files(of, { ...page, path, ...more }, alice, forever),
    read: async (path: string, range?: { start: number; length: number }) => {
      const found = await bench.engine.services.download(snapshot, path, alice, forever);
      return { ...found, bytes: await bytesOf(await found.read(range, forever)) };
    },
  };
}

describe('the files of a Snapshot that its driver keeps', () => {
  it('are listed in the order of the bytes of their names, as they are', async () => {
    const { root, list } = await scene();
    const { items, continue: next } = await list('');
    const names = execFileSync('sh', ['-c', 'find . -mindepth 1 -maxdepth 1 -printf "%f\\0" | LC_ALL=C sort -z'], { cwd: root });
    expect(items.map(({ name }) => name)).toEqual(names.toString().split('\0').slice(0, -1));
    expect(next).toBe('');
    const { items: conf } = await list('/conf');
    expect(conf).toEqual([
      expect.objectContaining({ name: 'app.yaml', path: '/conf/app.yaml', type: 'File', size: 12, mode: '0640', uid: process.getuid?.() }),
      expect.objectContaining({ name: 'current', type: 'SymbolicLink', size: 0, linkTarget: 'app.yaml' }),
      expect.objectContaining({ name: 'deep', type: 'Directory', size: 0 }),
    ]);
    expect((await list('/empty')).items).toMatchObject([{ path: '/empty', size: 0, modificationTime: '2001-09-09T01:46:40Z' }]);
    expect((await list('/out')).items).toMatchObject([{ type: 'SymbolicLink', linkTarget: '/etc/passwd' }]);
  });

  it('come page by page, each with a token that is good for its folder only', async () => {
    const { list } = await scene();
    const all = (await list('')).items.map(({ name }) => name);
    const found: string[] = [];
    let token = '';
    do {
      const { items, continue: next } = await list('', { limit: 3, continue: token });
      expect(items.length).toBeLessThanOrEqual(3);
      found.push(...items.map(({ name }) => name));
      token = next;
    } while (token !== '');
    expect(found).toEqual(all);
    const { continue: next } = await list('', { limit: 1 });
    for (const [path, wrong] of [
      ['/conf', next],
      ['', 'x'],
    ] as const)
      await expect(list(path, { continue: wrong })).rejects.toMatchObject({ code: 400 });
  });

  it('are read, whole and in ranges, whatever their names are', async () => {
    const { root, read } = await scene();
    expect(String((await read('/conf/app.yaml')).bytes)).toBe('replicas: 3\n');
    expect(String((await read('/conf/app.yaml', { start: 3, length: 4 })).bytes)).toBe('lica');
    expect(String((await read('/conf/app.yaml', { start: 10, length: 40 })).bytes)).toBe('3\n');
    expect((await read('/empty')).bytes.length).toBe(0);
    expect((await read('/sparse')).bytes.length).toBe(3_000_000);
    expect(String((await read('/line\nbreak and space ')).bytes)).toBe('two lines');
    expect(String((await read('/-rf')).bytes)).toBe('dash');
    expect(String((await read('/caf\uFFFD')).bytes)).toBe('latin');
    writeFileSync(join(root, 'a\\0101%s$(x)\n'), 'odd');
    expect(String((await read('/a\\0101%s$(x)\n')).bytes)).toBe('odd');
  });

  it('come as a tar file, of a folder or of all', async () => {
    const { root, read } = await scene();
    const all = await read('');
    expect(all).toMatchObject({ name: '', file: undefined });
    expect(told(untar(all.bytes))).toBe(told(root));
    const folder = temporary();
    execFileSync('cp', ['-a', join(root, 'conf'), folder]);
    const one = await read('/conf');
    expect(one).toMatchObject({ name: 'conf', file: undefined });
    // Of a file with another name outside of the folder there is one here.
    expect(told(untar(one.bytes)).replaceAll(/ 2 (\d{10})/g, ' 1 $1')).toBe(told(folder));
  });

  it('are not found through links, nor outside', async () => {
    const { root, list, read } = await scene();
    symlinkSync('conf', join(root, 'way'));
    for (const path of ['/no', '/conf/no', '/conf/app.yaml/x', '/way/app.yaml', '/out/x', '/no\uFFFD'])
      await expect(list(path)).rejects.toMatchObject({ code: 404, message: expect.stringContaining('holds no file') });
    for (const path of ['/..', '/conf/../x', '/./x']) await expect(list(path)).rejects.toMatchObject({ code: 400 });
    await expect(read('/out')).rejects.toMatchObject({
      code: 400,
      message: 'path: "/out" is a SymbolicLink, which has no content and is not followed',
    });
  });

  it('are seen through a volume of their own, read-only, made with the rights of who looks', async () => {
    const { cluster, snapshot, list, pod, helper } = await scene();
    const made = new Set<string>();
    cluster.check = ({ user, verb, resource }) => void (verb === 'create' && made.add(`${user} ${resource}`));
    await list('');
    await list('/conf');
    expect(made).toEqual(new Set(['alice pods', 'alice persistentvolumeclaims', 'alice pods/exec']));
    const claim = cluster.read('persistentvolumeclaims', 'shop', helper);
    const { volumeSnapshotName } = snapshot.status as { volumeSnapshotName: string };
    expect(claim?.['spec']).toMatchObject({ dataSource: { name: volumeSnapshotName }, resources: { requests: { storage: '1Gi' } } });
    const { spec } = pod() as ClusterObject & { spec: { containers: { volumeMounts: object[] }[] } };
    expect(spec.containers[0]?.volumeMounts).toContainEqual({ name: 'volume', mountPath: '/volume', readOnly: true });
  });

  it.each(['pods', 'persistentvolumeclaims'])('stay unseen by who may not make %s, and nothing is left', async (resource) => {
    const { cluster, list, helpers } = await scene();
    cluster.check = (request) => {
      if (request.user === 'alice' && request.verb === 'create' && request.resource === resource)
        throw new ClusterError(403, 'Forbidden', `${resource} is forbidden: User "alice" cannot create resource "${resource}"`);
    };
    await expect(list('')).rejects.toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: expect.stringContaining('"alice" cannot create'),
    });
    expect(helpers()).toEqual([]);
  });

  it('are to be asked for again while their volume is being made', async () => {
    const { list, kubelet } = await scene({ rests: true });
    const message = expect.stringMatching(/^a volume is being made of what the driver keeps.*try again$/);
    await expect(list('')).rejects.toMatchObject({ code: 503, message, details: { retryAfterSeconds: 1 } });
    kubelet.rests = false;
    expect((await list('/conf')).items.length).toBe(3);
  });

  it('are looked for in another Pod where the first one has ended, or goes', async () => {
    const { cluster, list, pod, helper } = await scene();
    await list('');
    const { uid } = pod()!.metadata;
    cluster.seed('pods', { ...pod()!, status: { phase: 'Succeeded' } });
    await list('');
    expect(pod()?.metadata.uid).not.toBe(uid);
    cluster.execute = () => Promise.reject(new ClusterError(404, 'NotFound', `pods "${helper}" not found`));
    await expect(list('')).rejects.toMatchObject({ code: 503, message: expect.stringContaining('try again') });
  });

  it('leave nothing behind when nobody looks any more, or when the Snapshot is deleted', async () => {
    const { cluster, bench, list, pod, helpers, helper } = await scene();
    await list('');
    expect(helpers()).toEqual([helper, helper]);
    cluster.seed('pods', { ...pod()!, status: { phase: 'Succeeded' } });
    await whileRunning(bench.engine, () => vi.waitFor(() => expect(helpers()).toEqual([]), 5_000));
    await list('');
    const { objects } = bench.parts;
    await whileRunning(bench.engine, async () => {
      await objects.delete(snapshots, { namespace: 'shop', name: 's', uid: helper.slice('kylon-'.length) }, forever);
      await vi.waitFor(() => expect(helpers()).toEqual([]), 5_000);
    });
  });

  it('keep what is in use, and what only bears the name of somebody else', async () => {
    const { cluster, bench, list, helpers, helper } = await scene();
    await list('');
    const victim = { name: 'kylon-victim', namespace: 'shop' };
    const proved = (kind: string, more: object) =>
      bench.parts.proofs.give({ apiVersion: 'v1', kind, metadata: victim, ...more }, 'victim', forever);
    cluster.seed('persistentvolumeclaims', await proved('PersistentVolumeClaim', {}));
    cluster.seed('pods', await proved('Pod', { status: { phase: 'Running' } }));
    const labels = { 'backup.kylon.io/made-for': 'victim', 'app.kubernetes.io/component': 'look' };
    for (const kind of ['persistentvolumeclaims', 'pods'])
      cluster.seed(kind, { metadata: { name: 'evil', namespace: 'shop', labels }, status: { phase: 'Succeeded' } });
    await looks({ cluster, bench }, 3);
    expect(helpers()).toEqual(['evil', helper, 'kylon-victim', 'evil', helper, 'kylon-victim']);
  });

  it('keep what another replica has made since it was looked', async () => {
    const { cluster, bench, list, pod, helper, helpers } = await scene();
    await list('');
    const running = pod()!;
    cluster.seed('pods', { ...running, status: { phase: 'Succeeded' } });
    const claim = cluster.read('persistentvolumeclaims', 'shop', helper)!;
    let isListed = false;
    const replace: Check = ({ verb, resource }) => {
      if (isListed) {
        cluster.seed('persistentvolumeclaims', { ...claim, metadata: { ...claim.metadata, uid: 'new' } });
        cluster.seed('pods', { ...running, metadata: { ...running.metadata, uid: 'new' } });
      }
      isListed ||= verb === 'list' && resource === 'persistentvolumeclaims';
    };
    await looks({ cluster, bench }, 3, replace);
    expect(helpers()).toEqual([helper, helper]);
    expect(pod()?.metadata.uid).toBe('new');
  });

  it('leave no claim behind whose Pod somebody has deleted, nor one that was made when the Snapshot went', async () => {
    const { cluster, bench, list, helpers, helper } = await scene();
    await list('');
    cluster.drop('pods', 'shop', helper);
    await whileRunning(bench.engine, () => vi.waitFor(() => expect(helpers()).toEqual([]), 5_000));
    let isDeleted = false;
    cluster.check = async ({ user, verb, resource }) => {
      if (isDeleted || user !== 'alice' || verb !== 'create' || resource !== 'persistentvolumeclaims') return;
      isDeleted = true;
      await bench.parts.objects.delete(snapshots, { namespace: 'shop', name: 's', uid: helper.slice('kylon-'.length) }, forever);
      await vi.waitFor(async () => expect(await bench.get(snapshots, 'shop', 's')).toBeUndefined(), 5_000);
    };
    await whileRunning(bench.engine, async () => {
      await list('').catch(() => {});
      expect(isDeleted).toBe(true);
      cluster.seed('pods', { ...cluster.read('pods', 'shop', helper)!, status: { phase: 'Pending' } });
      await vi.waitFor(() => expect(helpers()).toEqual([]), 5_000);
    });
  });

  it('go though something before them cannot be taken away', async () => {
    const { cluster, bench, list, pod, helpers } = await scene();
    await list('');
    cluster.seed('pods', { ...pod()!, status: { phase: 'Succeeded' } });
    cluster.seed('namespaces', { metadata: { name: 'a' } });
    const labels = { 'backup.kylon.io/made-for': 'other', 'app.kubernetes.io/component': 'look' };
    const other = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'kylon-other', namespace: 'a', labels } };
    cluster.seed('persistentvolumeclaims', await bench.parts.proofs.give(other, 'other', forever));
    cluster.check = ({ verb, namespace }) => {
      if (verb === 'delete' && namespace === 'a') throw new ClusterError(403, 'Forbidden', 'admission webhook "policy" denied the request');
    };
    await whileRunning(bench.engine, () => vi.waitFor(() => expect(helpers()).toEqual([]), 5_000));
  });

  it('are waited for without a word to who makes them, and without harm by who may make none', async () => {
    const { cluster, bench, snapshot, list, pod, helpers, helper, kubelet } = await scene({ rests: true });
    let creates = 0;
    cluster.check = ({ user, verb, resource }) => {
      if (verb !== 'create') return;
      creates++;
      if (user === 'vera')
        throw new ClusterError(403, 'Forbidden', `${resource} is forbidden: User "vera" cannot create resource "${resource}"`);
    };
    await expect(list('')).rejects.toMatchObject({ code: 503 });
    expect(creates).toBe(2);
    const { uid } = pod()!.metadata;
    const asVera = () => bench.engine.services.files(snapshot, page, { ...alice, name: 'vera' }, forever);
    await expect(asVera()).rejects.toMatchObject({ code: 503 });
    expect(pod()?.metadata.uid).toBe(uid);
    kubelet.rests = false;
    await vi.waitFor(async () => expect((await list('/conf')).items.length).toBe(3), 5_000);
    await expect(asVera()).rejects.toMatchObject({ code: 403, message: expect.stringContaining('pods/exec') });
    expect(helpers()).toEqual([helper, helper]);
  });

  it('are asked for again where their Pod was killed in the middle', async () => {
    const { cluster, list } = await scene();
    cluster.execute = async () => 137;
    await expect(list('')).rejects.toMatchObject({ code: 503, message: expect.stringContaining('has ended, try again') });
  });

  it('that are no list of files are taken for none, and not kept', async () => {
    const { cluster, list } = await scene();
    const says = (piece: string, times: number) => {
      cluster.execute = async (_, { output }) => {
        for (let time = 0; time < times; time++) await output(Buffer.from(piece));
        return 0;
      };
    };
    says('x'.repeat(1_000), 20);
    await expect(list('')).rejects.toMatchObject({ code: 500, message: expect.stringContaining('no list of files') });
    says('x/f/0/644/0/root/0/root/1.0/\0', 503);
    await expect(list('')).rejects.toMatchObject({ code: 500, message: expect.stringContaining('more was told') });
    says('x/f/zero\0\0', 1);
    await expect(list('')).rejects.toMatchObject({ code: 500 });
  });

  it('have names, paths and times of all kinds', async () => {
    const { root, list, read } = await scene();
    mkdirSync(join(root, 'names'));
    for (const byte of [0x80, 0x81, 0xfe, 0xff])
      writeFileSync(Buffer.concat([Buffer.from(`${root}/names/`), Buffer.from([byte])]), 'other');
    writeFileSync(join(root, 'names/\uFFFD'), 'exact');
    expect(String((await read('/names/\uFFFD')).bytes)).toBe('exact');
    const deep = Array.from({ length: 21 }, () => 'd'.repeat(200)).join('/');
    const script = `p=$1; i=0; while [ $i -lt 21 ]; do mkdir "$p"; cd -P "./$p"; i=$((i + 1)); done; echo low >file; touch -d @99999999999999 ../late 2>/dev/null || :`;
    execFileSync('sh', ['-c', script, 'sh', 'd'.repeat(200)], { cwd: root });
    expect(String((await read(`/${deep}/file`)).bytes)).toBe('low\n');
    expect((await list(`/${deep.slice(0, -201)}`)).items.length).toBeGreaterThan(0);
    execFileSync('rm', ['-r', join(root, 'd'.repeat(200))]);
  });

  it.each([
    ['its VolumeSnapshot is gone', (s: Scene) => s.cluster.drop(volumeSnapshots, 'shop', s.helper), 'VolumeSnapshotNotFound'],
    [
      'a Pod of somebody else has the name',
      (s: Scene) => s.cluster.seed('pods', { metadata: { name: s.helper, namespace: 'shop' } }),
      'PodExists',
    ],
    [
      'a claim of somebody else has the name',
      (s: Scene) => s.cluster.seed('persistentvolumeclaims', { metadata: { name: s.helper, namespace: 'shop' } }),
      'ClaimExists',
    ],
  ])('are refused with the reason where %s', async (_, harm, reason) => {
    const given = await scene();
    harm(given);
    await expect(given.list('')).rejects.toMatchObject({ code: 409, message: expect.stringMatching(`^${reason}: `) });
  });

  it('need an image, or to be copied', async () => {
    const { list, helpers } = await scene({ movers: false });
    const message = expect.stringMatching(
      /^MoversNotSet: .*--mover-image; or restore it to a new claim, and take that with the method Copy$/,
    );
    await expect(list('')).rejects.toMatchObject({ code: 409, message });
    expect(helpers()).toEqual([]);
  });

  it('are not told in part where a folder cannot be read', async () => {
    const { cluster, list } = await scene();
    cluster.execute = async (_, { output, errors }) => {
      errors(Buffer.from('find: ‘/volume/x’: Permission denied\n'));
      await output(Buffer.from('x/d/0/755/0/root/0/root/1.0/\0\0'));
      return 0;
    };
    await expect(list('/x')).rejects.toMatchObject({ code: 500, message: expect.stringContaining('Permission denied') });
  });
});

type Scene = Awaited<ReturnType<typeof scene>>;

/** Until so many times was looked for what is not used any more. */
async function looks({ cluster, bench }: Pick<Scene, 'cluster' | 'bench'>, times: number, check: Check = () => {}): Promise<void> {
  let count = 0;
  cluster.check = (request) => {
    check(request);
    count += request.verb === 'list' && request.resource === 'persistentvolumeclaims' ? 1 : 0;
  };
  await whileRunning(bench.engine, () => vi.waitFor(() => expect(count).toBeGreaterThanOrEqual(times), 5_000));
}
type Check = (request: Request) => void;
