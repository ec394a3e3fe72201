/** What the driver of a volume keeps of it, looked into and brought back file by file, through real Pods. */
import { execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, moverImage, withMovers } from './mover-image.ts';
import { complete, ended, namespace, path, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { claim, restrictedWriter, Storage, writer } from './volumes.ts';

const cluster = withMovers(findCluster());
const looking = suite('looks into what a driver keeps', cluster);

interface File {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly mode: string;
  readonly linkTarget?: string;
}

describe(looking.title, looking.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const dave = kubectl.as('dave');
  const [place, confined] = ['kylon-look', 'kylon-look-restricted'];
  const userRoles = resolve(repository, 'manifests/user-roles.yaml');
  const data = temporaryFolder();
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    const flags = await moverFlags(kubectl);
    await kubectl.run(['apply', '-f', userRoles]);
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['create', 'rolebinding', 'edit', '--clusterrole=admin', '--user=dave', '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'view', '--clusterrole=view', '--user=vera', '-n', place]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await inPod(
      [
        'mkdir -p /data/conf/deep /data/many && cd /data/conf && echo old > app.yaml && chown 7:8 app.yaml && chmod 640 app.yaml',
        "ln app.yaml deep/hard && ln -s app.yaml current && ln -s /etc/passwd out && echo odd > 'a [b] *' && printf x > \"$(printf 'caf\\351')\"",
        'head -c 20000000 /dev/urandom > ../large && truncate -s 50000000 ../hole && cd /data/many && seq 1 3000 | xargs touch',
      ].join(' && '),
    );
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    await kubectl.run(['create', '-f', '-'], snapshot(place, 'first', 'data'));
    const { status } = await complete(kubectl, snapshots, { namespace: place, name: 'first' });
    expect(status).not.toHaveProperty('method', 'File');
  }, coldBuild);
  afterAll(async () => {
    for (const one of [place, confined]) await kubectl.try(['delete', snapshots, '--all', '-n', one]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['delete', '-f', userRoles, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, confined, '--ignore-not-found']);
  }

  const inPod = (script: string, pod = 'writer', where = place) => kubectl.run(['exec', pod, '-n', where, '--', 'sh', '-c', script]);
  const create = (object: object | object[], as = kubectl) => as.run(['create', '-f', '-'], object);
  const list = async (folder: string, { as = kubectl, more = '', name = 'first', where = place } = {}) => {
    const url = path(where, `snapshots/${name}/files?path=${encodeURIComponent(folder)}${more}`);
    return JSON.parse(await as.run(['get', '--raw', url])) as { items: File[]; metadata: { continue?: string } };
  };
  const read = (file: string, as = kubectl) =>
    as.run(['get', '--raw', path(place, `snapshots/first/proxy/download?path=${encodeURIComponent(file)}`)]);
  const program = process.env['KUBECTL'] ?? 'kubectl';
  const bytes = (file: string) =>
    execFileSync(program, [`--kubeconfig=${kubeconfig}`, 'get', '--raw', path(place, `snapshots/first/proxy/download?path=${file}`)], {
      maxBuffer: 256 << 20,
    });
  const helpers = (where = place) => kubectl.list('pods,pvc', '-n', where, '-l', 'app.kubernetes.io/managed-by=kylon');
  const lookPods = () => kubectl.list('pods', '-n', place, '-l', 'app.kubernetes.io/component=look');

  it('list folders for who may edit, as they were when the snapshot was taken', async () => {
    await inPod('echo new > /data/conf/app.yaml && rm /data/conf/current');
    const { items } = await list('/conf', { as: dave });
    expect(items.map(({ name }) => name)).toEqual(['a [b] *', 'app.yaml', 'caf\uFFFD', 'current', 'deep', 'out']);
    expect(items.find(({ name }) => name === 'app.yaml')).toMatchObject({ type: 'File', size: 4, mode: '0640', uid: 7, gid: 8 });
    expect(items.find(({ name }) => name === 'out')).toMatchObject({ type: 'SymbolicLink', linkTarget: '/etc/passwd' });
    expect((await lookPods()).length).toBe(1);
  });

  it('go on page by page, and at once', async () => {
    const names: string[] = [];
    let token: string | undefined = '';
    const begun = performance.now();
    do {
      const { items, metadata }: Awaited<ReturnType<typeof list>> = await list('/many', { more: `&limit=1000&continue=${token}` });
      names.push(...items.map(({ name }) => name));
      token = metadata.continue;
    } while (token);
    expect(names.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 3000 }, (_, index) => String(index + 1)));
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it('read files, ranges of them, and folders as tar files', async () => {
    expect(await read('/conf/app.yaml', dave)).toBe('old\n');
    expect(await read('/conf/caf\uFFFD')).toBe('x');
    const large = bytes('/large');
    expect(hash('sha256', large)).toBe(await volumes.hash(place, 'data', 'large'));
    const folder = temporaryFolder();
    const tar = bytes('');
    execFileSync('tar', ['-C', folder, '-xpf', '-'], { input: tar });
    expect(readFileSync(`${folder}/conf/deep/hard`, 'utf8')).toBe('old\n');
    expect(execFileSync('stat', ['-c', '%h %a %u:%g', 'conf/app.yaml'], { cwd: folder, encoding: 'utf8' })).toBe('2 640 7:8\n');
    expect(execFileSync('sh', ['-c', 'ls many | wc -l; stat -c %s hole'], { cwd: folder, encoding: 'utf8' })).toBe('3000\n50000000\n');
  });

  it('name what is not there, or leads out', async () => {
    for (const [asked, words] of [
      ['/conf/no', /holds no file "\/conf\/no"/],
      ['/conf/out/x', /holds no file/],
      ['/../etc/passwd', /has a part that is no name of a file/],
    ] as const)
      expect((await kubectl.try(['get', '--raw', path(place, `snapshots/first/files?path=${encodeURIComponent(asked)}`)])).stderr).toMatch(
        words,
      );
    expect((await kubectl.try(['get', '--raw', path(place, 'snapshots/first/download?path=/conf/out')])).stderr).toMatch(/is not followed/);
  });

  it('are not for who may only view, nor for who may not make Pods', async () => {
    const vera = kubectl.as('vera');
    const files = path(place, 'snapshots/first/files');
    expect((await vera.try(['get', '--raw', files])).stderr).toMatch(/Forbidden/);
    await kubectl.run(['create', 'role', 'looks', '--verb=get', '--resource=snapshots.backup.kylon.io/files', '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'looks', '--role=looks', '--user=vera', '-n', place]);
    await eventually(async () => /cannot (get|create) resource "pods/.test((await vera.try(['get', '--raw', files])).stderr), 30_000);
  });

  it('bring a file or a folder into the volume in use, read back', async () => {
    await create(
      restoreOfSnapshot(place, 'file', 'first', { verify: true }, { files: { path: 'conf/app.yaml' }, existingResourcePolicy: 'Update' }),
      dave,
    );
    expect((await complete(kubectl, restores, { namespace: place, name: 'file' })).status).toMatchObject({ files: 1, bytesRestored: 4 });
    await create(restoreOfSnapshot(place, 'folder', 'first', { verify: true }, { files: { path: 'conf', targetDirectory: 'back' } }));
    await complete(kubectl, restores, { namespace: place, name: 'folder' });
    expect(
      await inPod("cat /data/conf/app.yaml && cd /data/back/conf && stat -c '%a %u:%g %h' app.yaml && cat 'a [b] *' && readlink out"),
    ).toBe('old\n640 7:8 2\nodd\n/etc/passwd\n');
    expect(await inPod("find /data -name '.kylon-*'")).toBe('');
    await create(restoreOfSnapshot(place, 'never', 'first', {}, { files: { path: 'conf/never' } }));
    expect((await ended(kubectl, restores, { namespace: place, name: 'never' })).status?.['failureReason']).toMatch(
      /^FileNotFound: spec.files.path/,
    );
  });

  it('see a block volume as one file', async () => {
    await create(claim(place, 'block', { volumeMode: 'Block', resources: { requests: { storage: '1Mi' } } }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/block', '-n', place, '--timeout=60s']);
    await volumes.writeBlock(place, 'block', 'raw');
    await create(snapshot(place, 'of-block', 'block'));
    await complete(kubectl, snapshots, { namespace: place, name: 'of-block' });
    expect((await list('', { name: 'of-block' })).items).toMatchObject([{ name: '/', type: 'File', size: 1 << 20 }]);
    const device = await kubectl.run(['get', '--raw', path(place, 'snapshots/of-block/download')]);
    expect([device.length, device.slice(0, 3)]).toEqual([1 << 20, 'raw']);
  });

  it('are those of who uses the volume, where nobody may be root', async () => {
    await create(namespace(confined, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
    await create([claim(confined, 'data'), restrictedWriter(confined, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', confined, '--timeout=120s']);
    await inPod('mkdir /data/own && echo mine > /data/own/file && chmod 700 /data/own && chmod 600 /data/own/file', 'writer', confined);
    await create(snapshot(confined, 'first', 'data'));
    await complete(kubectl, snapshots, { namespace: confined, name: 'first' });
    expect((await list('/own', { where: confined })).items).toMatchObject([{ name: 'file', size: 5, mode: '0600', uid: 1000 }]);
    await inPod('rm -r /data/own', 'writer', confined);
    await create(restoreOfSnapshot(confined, 'back', 'first', {}, { files: { path: 'own', targetDirectory: 'new' } }));
    await complete(kubectl, restores, { namespace: confined, name: 'back' });
    expect(await inPod("cd /data/new && stat -c '%a %u:%g' . own own/file", 'writer', confined)).toMatch(
      /^2?755 1000:1000\n2?700 1000:1000\n600 1000:1000\n$/,
    );
    await kubectl.run(['delete', snapshots, 'first', '-n', confined, '--timeout=60s']);
    await eventually(async () => (await helpers(confined)).length === 0, 60_000);
  });

  it('go on in another Pod where theirs is killed, and also after Kylon was', async () => {
    const [pod] = await lookPods();
    await kubectl.run(['delete', 'pod', pod?.metadata.name ?? '', '-n', place, '--now']);
    expect(await eventually(async () => (await list('/conf').catch(() => undefined))?.items.length, 60_000)).toBe(6);
  });

  it('leave no program behind that nobody reads any more', async () => {
    const [pod] = await lookPods();
    const name = pod?.metadata.name ?? '';
    const running = async () =>
      (await kubectl.run(['exec', name, '-n', place, '--', 'sh', '-c', 'cat /proc/[0-9]*/cmdline'])).match(/posix|bs=256K/g)?.length ?? 0;
    for (const asked of ['', '/large']) {
      const url = path(place, `snapshots/first/proxy/download?path=${asked}`);
      const reader = spawn(
        'sh',
        ['-c', `"$0" "--kubeconfig=$1" get --raw "$2" | (head -c 100000 >/dev/null; sleep 60)`, program, kubeconfig, url],
        {
          detached: true,
          stdio: 'ignore',
        },
      );
      await eventually(async () => (await running()) > 0, 30_000);
      process.kill(-(reader.pid ?? 0), 'SIGKILL');
      await eventually(async () => (await running()) === 0, 60_000);
    }
  });

  it('leave nothing in the cluster when nobody looks any more, nor when the Snapshot goes', async () => {
    const ofFirst = async () => (await helpers()).filter(({ metadata }) => metadata.name === `kylon-${uid}`);
    const uid = (await kubectl.get(snapshots, 'first', '-n', place)).metadata.uid ?? '';
    // As it ends by itself after some minutes.
    await kubectl.try(['exec', `kylon-${uid}`, '-n', place, '--', 'sh', '-c', 'kill -TERM 1']);
    await eventually(async () => (await ofFirst()).length === 0, 120_000);
    expect((await list('/conf')).items.length).toBe(6);
    await kubectl.run(['delete', snapshots, 'first', 'of-block', '-n', place, '--timeout=60s']);
    await eventually(async () => (await helpers()).length === 0, 60_000);
  });

  it('hold their Pod for as long as something runs in it', async () => {
    const stay = readFileSync(resolve(repository, 'src/engine/look/stay.sh'), 'utf8');
    const pod = (name: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: place, name },
      spec: {
        restartPolicy: 'Never',
        containers: [
          { name: 'look', image: '', imagePullPolicy: 'Never', command: ['sh', '-c', stay.replaceAll('$', () => '$$'), 'sh', '10'] },
        ],
      },
    });
    const image = await moverImage();
    for (const name of ['idle', 'used']) {
      const one = pod(name);
      (one.spec as { containers: { image: string }[] }).containers[0]!.image = image;
      await create(one);
    }
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/used', '-n', place, '--timeout=60s']);
    const used = kubectl.run(['exec', 'used', '-n', place, '--', 'sleep', '40']);
    const phase = async (name: string) => String((await kubectl.get('pod', name, '-n', place)).status?.['phase']);
    await eventually(async () => (await phase('idle')) === 'Succeeded', 40_000);
    await used;
    expect(await phase('used')).toBe('Running');
    await eventually(async () => (await phase('used')) === 'Succeeded', 40_000);
  });
});
