/** Volumes copied by tar in the Pods that use them, or in one that is made for it: without snapshots of a driver, and without movers. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
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
import { claim, restrictedWriter, Storage, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const copied = suite('volumes copied by tar', cluster);
const image = 'example.test/busybox:1';

describe(copied.title, copied.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const [place, confined] = ['kylon-copy', 'kylon-copy-restricted'];
  const data = temporaryFolder();
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await inPod('echo hello > /data/greeting');
    kylon = await Kylon.beside(kubeconfig, { data });
  });
  afterAll(async () => {
    for (const where of [place, confined]) await kubectl.try(['delete', snapshots, '--all', '-n', where]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, confined, '--ignore-not-found']);
  }

  const inPod = (script: string, pod = 'writer', where = place) => kubectl.run(['exec', pod, '-n', where, '--', 'sh', '-c', script]);
  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);
  const begin = (name: string, spec: object = {}, claimName = 'data') =>
    create(snapshot(place, name, claimName, { method: 'Copy', ...spec }));
  const take = async (name: string, spec: object = {}, claimName = 'data') => {
    await begin(name, spec, claimName);
    return complete(kubectl, snapshots, { namespace: place, name });
  };
  const fails = async (name: string, spec: object = {}, claimName = 'data') => {
    await begin(name, spec, claimName);
    return ended(kubectl, snapshots, { namespace: place, name });
  };
  const bring = async (name: string, snapshotName: string, spec: object = {}, claim: object = { name }) => {
    await create(restoreOfSnapshot(place, name, snapshotName, claim, spec));
    return complete(kubectl, restores, { namespace: place, name });
  };
  const raw = (rest: string) => kubectl.run(['get', '--raw', path(place, rest)]);
  const helpers = async () => {
    const found = await kubectl.list('pods,secrets,pvc', '-n', place, '-l', 'app.kubernetes.io/managed-by=kylon');
    return found.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  };
  const nothingIsLeft = () => eventually(async () => (await helpers()).length === 0, 60_000);
  const ready = (pod: string) => kubectl.run(['wait', '--for=condition=Ready', `pod/${pod}`, '-n', place, '--timeout=120s']);
  /** Of a Snapshot, in the store. */
  const folderOf = (uid: string) => {
    const [domain = ''] = readdirSync(join(data, 'store/d'));
    return join(data, 'store/d', domain, 'snapshots', uid);
  };

  it('are read in the Pod that uses them, of which nothing is changed', async () => {
    const { status } = await take('first');
    expect(status).toMatchObject({ phase: 'Completed', method: 'Copy', readyToUse: true, image, bytesRead: 6, claim: { name: 'data' } });
    expect(await helpers()).toEqual([]);
    expect(await raw('snapshots/first/download?path=/greeting')).toBe('hello\n');
  });

  it('come back as a new claim, as they were, and proved', async () => {
    const odd = [
      "cd /data && mkdir -p odd && cd odd && printf 'a' > 'a b' && printf 'n' > \"$(printf 'new\\nline')\" && printf 'u' > 'ünïcödé ☃'",
      "ln 'a b' hard && ln -s 'a b' soft && ln -s /etc out && mkfifo pipe && dd if=/dev/zero of=sparse bs=1 count=1 seek=10485760 2>/dev/null",
      "chown 1234:4321 'a b' && chmod 4750 'ünïcödé ☃' && touch -d '2001-02-03 04:05:06' sparse && mkdir -m 1777 sticky && : > ./-rf && chmod 2770 /data && chown 7:8 /data",
      'mkdir -p "$(printf %0120d 1)" && echo long > "$(printf %0120d 1)/$(printf %0120d 2)"',
    ].join(' && ');
    await inPod(odd);
    await take('odd');
    const { status } = await bring('odd', 'odd', {}, { name: 'odd', verify: true });
    expect(status).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
    await nothingIsLeft();
    await create(writer(place, 'reader', 'odd'));
    await ready('reader');
    const look =
      "stat -c '%a %u:%g' /data; cd /data/odd && find . -type d -exec stat -c '%n %F %a %u:%g' {} + -o -exec stat -c '%n %F %a %u:%g %s %h' {} + | sort && readlink soft && readlink out && md5sum sparse && stat -c %Y sparse 'a b'";
    expect(await inPod(look, 'reader')).toBe(await inPod(look));
    await kubectl.run(['delete', 'pod', 'reader', '-n', place, '--now']);
  });

  it('can be looked into: a folder page by page, a file in ranges, a folder as a tar file', async () => {
    const page = async (more: string) => JSON.parse(await raw(`snapshots/odd/files?path=/odd&limit=3${more}`)) as FileList;
    const names: string[] = [];
    for (let token = '', more = true; more;) {
      const { items, metadata } = await page(token && `&continue=${token}`);
      names.push(...items.map(({ name }) => name));
      token = metadata.continue ?? '';
      more = token !== '';
    }
    expect(names).toEqual([
      '-rf',
      `${'0'.repeat(119)}1`,
      'a b',
      'hard',
      'new\nline',
      'out',
      'pipe',
      'soft',
      'sparse',
      'sticky',
      'ünïcödé ☃',
    ]);
    expect(await raw('snapshots/odd/download?path=/odd/hard')).toBe('a');
    expect(await kubectl.fails(['get', '--raw', path(place, 'snapshots/odd/download?path=/odd/out')])).toMatch(/SymbolicLink/);
    expect(await raw('snapshots/odd/proxy/download?path=/odd/sticky')).toContain('sticky/');
  });

  it('are read through a Pod that is made for it where nobody uses them, which goes then', async () => {
    await create(claim(place, 'lonely'));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/lonely', '-n', place, '--timeout=60s']);
    const { status: failed } = await fails('no-image', {}, 'lonely');
    expect(failed?.['failureReason']).toMatch(/^CopyImageNotSet: .*"lonely".*spec\.copy\.image, or --copy-image/);
    await volumes.fill(place, 'lonely', 3_000);
    const { status } = await take('lonely', { copy: { image } }, 'lonely');
    expect(status).toMatchObject({ phase: 'Completed', files: 3_000 + 101 + 0 });
    await nothingIsLeft();
    await bring('lonely-copy', 'lonely');
    expect(await volumes.sum(place, 'lonely-copy')).toBe(await volumes.sum(place, 'lonely'));
  });

  it('may be empty', async () => {
    await create(claim(place, 'empty'));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/empty', '-n', place, '--timeout=60s']);
    expect((await take('empty', { copy: { image } }, 'empty')).status).toMatchObject({ files: 1, bytesRead: 0 });
    expect(JSON.parse(await raw('snapshots/empty/files'))).toMatchObject({ items: [] });
    await bring('empty-copy', 'empty');
  });

  it('fill a claim that names the Snapshot', async () => {
    const dataSourceRef = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 'first' };
    await create(claim(place, 'named', { dataSourceRef, storageClassName: await defaultClass() }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/named', '-n', place, '--timeout=120s']);
    expect(await volumes.read(place, 'named', 'greeting')).toBe('hello\n');
    await nothingIsLeft();
  });

  it('go back into the claim that is there', async () => {
    await inPod('echo changed > /data/greeting');
    await create(restoreOfSnapshot(place, 'undo', 'first', { name: 'named' }, { existingResourcePolicy: 'Update' }));
    const { status } = await complete(kubectl, restores, { namespace: place, name: 'undo' });
    expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1, failed: 0 } });
    expect(await volumes.read(place, 'named', 'greeting')).toBe('hello\n');
    await nothingIsLeft();
  });

  it('give back a file and a folder to a volume in use, and overwrite only what they are told to', async () => {
    const files = (path: string, more: object = {}) => ({ files: { path, ...more } });
    const { status: first } = await endedRestore('file-there', 'first', files('greeting'));
    expect(first?.['failureReason']).toMatch(/^FileExists: spec\.files\.path: "greeting" is there/);
    expect(await inPod('cat /data/greeting')).toBe('changed\n');
    await bring('file-update', 'first', { ...files('greeting'), existingResourcePolicy: 'Update' }, {});
    expect(await inPod('cat /data/greeting')).toBe('hello\n');
    const { status } = await bring('folder', 'odd', files('odd', { targetDirectory: 'brought/back' }), {});
    expect(status).toMatchObject({ phase: 'Completed', filesUnchanged: 0 });
    const look = "find . -type d -exec stat -c '%n %F %a %u:%g' {} + -o -exec stat -c '%n %F %a %u:%g %s %h' {} + | sort";
    expect(await inPod(`cd /data/brought/back/odd && ${look}`)).toBe(await inPod(`cd /data/odd && ${look}`));
    await inPod('rm /data/odd/-rf && ln -s /etc/hosts /data/odd/-rf && echo mine > /data/odd/new');
    await bring('folder-update', 'odd', { ...files('odd'), existingResourcePolicy: 'Update' }, {});
    expect(await inPod('cd /data/odd && stat -c %F ./-rf && cat new')).toBe('regular empty file\nmine\n');
    await inPod('ln -s /etc /data/link');
    const { status: refused } = await endedRestore('linked', 'first', files('greeting', { targetDirectory: 'link/deep' }));
    expect(refused?.['failureReason']).toMatch(/^PathRefused: spec\.files\.targetDirectory: "link" is a symbolic link/);
    expect(await inPod('ls -A /data | grep kylon || true')).toBe('');
  });

  async function endedRestore(name: string, snapshotName: string, spec: object, claim: object = {}) {
    await create(restoreOfSnapshot(place, name, snapshotName, claim, spec));
    return ended(kubectl, restores, { namespace: place, name });
  }

  it('are taken by a Backup whose rules say so, and come back with it', async () => {
    await create(
      backup(place, 'all', {
        includedResources: ['persistentvolumeclaims'],
        volumes: { rules: [{ conditions: { labels: { copy: 'this' } }, action: 'Copy' }, { action: 'Skip' }] },
      }),
    );
    await ended(kubectl, backups, { namespace: place, name: 'all' });
    await kubectl.run(['label', 'pvc', 'data', '-n', place, 'copy=this']);
    await create(
      backup(place, 'labelled', {
        includedResources: ['persistentvolumeclaims'],
        volumes: { rules: [{ conditions: { labels: { copy: 'this' } }, action: 'Copy' }, { action: 'Skip' }] },
      }),
    );
    const { status } = await complete(kubectl, backups, { namespace: place, name: 'labelled' });
    const taken = ((status?.['volumes'] ?? []) as { claim: string; phase: string }[]).filter(({ phase }) => phase === 'Completed');
    expect(taken.map(({ claim }) => claim)).toEqual(['data']);
    await kubectl.run(['delete', 'pod', 'writer', '-n', place, '--now']);
    await kubectl.run(['delete', 'pvc', 'data', '-n', place]);
    await create(restore(place, 'again', 'labelled'));
    await complete(kubectl, restores, { namespace: place, name: 'again' });
    await create(writer(place, 'writer', 'data'));
    await ready('writer');
    expect(await inPod('cat /data/greeting')).toBe('hello\n');
    await nothingIsLeft();
  });

  it('fail with a reason, and leave nothing, where they cannot be copied', async () => {
    await create(claim(place, 'block', { volumeMode: 'Block', resources: { requests: { storage: '4Mi' } } }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/block', '-n', place, '--timeout=60s']);
    expect((await fails('block', {}, 'block')).status?.['failureReason']).toMatch(/^VolumeModeMismatch: .*Block/);
    const { metadata, status } = await fails('lonely-lost', { copy: { image: 'example.test/no-such-image:1' }, timeout: '10m' }, 'nothing');
    expect(status?.['failureReason']).toMatch(/^ClaimNotFound/);
    expect(existsSync(folderOf(metadata.uid ?? ''))).toBe(false);
    await nothingIsLeft();
  });

  it('is begun anew where tar is killed in the middle, and where Kylon is', async () => {
    await inPod('head -c 60000000 /dev/urandom > /data/large');
    await begin('cut', { throttle: { upload: '4Mi' } });
    await eventually(tars, 60_000);
    await inPod(`kill ${await tars()}`);
    const cut = await complete(kubectl, snapshots, { namespace: place, name: 'cut' });
    expect(cut.status).toMatchObject({ phase: 'Completed' });
    await begin('killed', { throttle: { upload: '4Mi' } });
    await eventually(tars, 60_000);
    await kylon.stop();
    kylon = await Kylon.beside(kubeconfig, { data });
    const killed = await complete(kubectl, snapshots, { namespace: place, name: 'killed' });
    expect(readdirSync(folderOf(killed.metadata.uid ?? ''))).toHaveLength(1);
    expect(killed.status?.['bytesRead']).toBe(cut.status?.['bytesRead']);
  });

  it('are read whole though they are read slowly, and the node is busy', async () => {
    const busy = Array.from({ length: 4 }, () => inPod("timeout 30 sh -c 'while :; do :; done' || true"));
    const taken = await Promise.all(['slow-1', 'slow-2'].map((name) => take(name, { throttle: { upload: '4Mi' } })));
    for (const { status } of taken) expect(status).toMatchObject({ phase: 'Completed', warnings: 0 });
    await Promise.all(busy);
  });

  it('are read and written as who uses them, where nobody may be root', async () => {
    await create([namespace(confined, { 'pod-security.kubernetes.io/enforce': 'restricted' }), claim(confined, 'data')]);
    await create([claim(confined, 'other'), restrictedWriter(confined, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', confined, '--timeout=120s']);
    await inPod('mkdir /data/own && echo mine > /data/own/file && chmod 600 /data/own/file', 'writer', confined);
    for (const [name, claimName] of [
      ['used', 'data'],
      ['unused', 'other'],
    ] as const) {
      await create(snapshot(confined, name, claimName, { method: 'Copy', copy: { image } }));
      expect((await complete(kubectl, snapshots, { namespace: confined, name })).status).toMatchObject({ phase: 'Completed' });
    }
    await create(restoreOfSnapshot(confined, 'copied', 'used', { name: 'copied', verify: true }));
    await complete(kubectl, restores, { namespace: confined, name: 'copied' });
    expect(await volumes.read(confined, 'copied', 'own/file')).toBe('mine\n');
    await inPod('rm -r /data/own', 'writer', confined);
    await create(restoreOfSnapshot(confined, 'file', 'used', { name: 'data' }, { files: { path: 'own' } }));
    await complete(kubectl, restores, { namespace: confined, name: 'file' });
    expect(await inPod("cat /data/own/file && stat -c '%a %u' /data/own/file", 'writer', confined)).toBe('mine\n600 1000\n');
  });

  it('cost Kylon nothing where what is run in a container is no tar, and never ends', async () => {
    await create(claim(place, 'lies'));
    const liar = writer(place, 'liar', 'lies') as unknown as { spec: { containers: object[] } };
    const [container] = liar.spec.containers;
    await create({ ...liar, spec: { ...liar.spec, containers: [{ ...container, env: [{ name: 'PATH', value: '/data:/bin' }] }] } });
    await ready('liar');
    const lie = "printf '#!/bin/sh\\nexec cat /dev/zero\\n' > /data/sh && chmod +x /data/sh";
    await kubectl.run(['exec', 'liar', '-n', place, '--', '/bin/sh', '-c', lie]);
    expect((await fails('zeros', {}, 'lies')).status?.['failureReason']).toMatch(/^TarRefused: .*behind its end/);
    const { status } = await endedRestore('zeros', 'first', { files: { path: 'greeting' } }, { name: 'lies' });
    expect(status?.['failureReason']).toMatch(/^TarNotFound: /);
    await nothingIsLeft();
  });

  it('go with their Snapshot', async () => {
    const { metadata } = await kubectl.get(snapshots, 'first', '-n', place);
    expect(readdirSync(folderOf(metadata.uid ?? ''))).toHaveLength(1);
    await kubectl.run(['delete', snapshots, 'first', '-n', place]);
    await gone(kubectl, snapshots, 'first', '-n', place);
    expect(existsSync(folderOf(metadata.uid ?? ''))).toBe(false);
  });

  /** Numbers of the processes in the Pod that are tar; nothing where none is. */
  function tars(): Promise<string> {
    return inPod('for one in /proc/[0-9]*; do [ "$(cat $one/comm)" != tar ] || echo -n "${one#/proc/} "; done');
  }

  async function defaultClass(): Promise<string> {
    return String((await kubectl.get('pvc', 'data', '-n', place)).spec?.['storageClassName']);
  }
});

interface FileList {
  readonly items: readonly { readonly name: string }[];
  readonly metadata: { readonly continue?: string };
}
