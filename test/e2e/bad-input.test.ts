/** What users, clients and disks get wrong: a clear answer that names field and cause, nothing half-written, and the process lives. */
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badBackup, badRequests, json, list } from './bad-requests.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { Kylon } from './kylon.ts';
import { backup, backups, complete, configMap, ended } from './objects.ts';
import { run } from './process.ts';
import { Proxy } from './proxy.ts';
import type { Reply } from './proxy.ts';

const asRoot = process.getuid?.() === 0;

describe('bad requests', () => {
  let kylon: Kylon & { readonly kubeconfig: string };
  let kubectl: Kubectl;
  let proxy: Proxy;

  beforeAll(async () => {
    kylon = await Kylon.playground();
    kubectl = new Kubectl(kylon.kubeconfig);
    proxy = await Proxy.start(kubectl);
    await kubectl.run(['create', '-f', '-'], backup('default', 'good'));
    await complete(kubectl, backups, { namespace: 'default', name: 'good' });
  });
  afterAll(async () => {
    await proxy?.stop();
    await kylon?.stop();
  });

  it.each(badRequests)('$what', async ({ method = 'POST', path: where = list, headers = json, body, code, reason, message }) => {
    const reply = await proxy.send(method, where, { headers, ...(body !== undefined && { body }) });
    expect(statusOf(reply)).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason });
    expect(reply.status).toBe(code);
    expect(statusOf(reply).message).toMatch(message);
  });

  it.each([
    ['beyond the end', 'bytes=99999999-'],
    ['of nothing', 'bytes=-0'],
  ])('a range %s', async (_, range) => {
    const reply = await proxy.send('GET', `${list}/good/download`, { headers: { range } });
    expect(reply.status).toBe(416);
    expect(reply.headers.get('content-range')).toMatch(/^bytes \*\/[0-9]+$/);
    expect(statusOf(reply)).toMatchObject({ kind: 'Status', code: 416 });
  });

  it('several things wrong at once are all named', async () => {
    const body = badBackup({ ttl: 'soon', labelSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } });
    const causes = statusOf(await proxy.send('POST', list, { headers: json, body })).details?.causes ?? [];
    expect(causes.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['spec.ttl', 'spec.labelSelector.matchExpressions[0].operator']),
    );
  });

  it('a Backup of namespaces that do not exist says so', async () => {
    await kubectl.run(['create', '-f', '-'], backup('default', 'of-nothing', { includedNamespaces: ['nowhere'] }));
    const { status } = await ended(kubectl, backups, { namespace: 'default', name: 'of-nothing' });
    expect(status?.['phase']).not.toBe('Completed');
    expect(JSON.stringify(status)).toContain('nowhere');
  });

  it('left nothing behind, and the process lives', async () => {
    expect(await kubectl.fails(['get', backups, 'bad', '-n', 'default'])).toContain('NotFound');
    expect((await kubectl.list(backups, '-n', 'default')).map(({ metadata }) => metadata.name)).toContain('good');
    expect(kylon.process.ended).toBe(false);
    expect(kylon.process.output()).not.toMatch(/^\s+at .*\.(ts|js):\d+/m);
  });
});

describe('a bad start', () => {
  /** Its standard error, of a start that should fail, and does so by itself and in time. */
  async function refusal(kylon: Kylon): Promise<string> {
    try {
      await expect(kylon.process.waitFor(/^export KUBECONFIG=/m, 30_000)).rejects.toThrow();
      const { stderr } = kylon.process;
      expect(kylon.process.child.exitCode, kylon.process.output()).toBeGreaterThan(0);
      expect(stderr).not.toMatch(/^\s+at /m);
      return stderr;
    } finally {
      await kylon.discard();
    }
  }

  it('by flags: all that is wrong is said at once', async () => {
    const stderr = await refusal(
      Kylon.launch({ flags: ['--port', '99999', '--no-such-flag', '--store', 'nonsense', '--kubeconfig', '/none'] }),
    );
    for (const flag of ['--port', '--no-such-flag', '--store', '/none']) expect(stderr).toContain(flag);
  });

  it('by a port that is taken', async () => {
    const first = await Kylon.playground();
    const [, port = ''] = /server"?: "?https:\/\/[^:]+:(\d+)/.exec(readFileSync(first.kubeconfig, 'utf8')) ?? [];
    expect(await refusal(Kylon.launch({ flags: ['--port', port] }))).toContain(port);
    await first.stop();
  });

  it('by a corrupted segment: names it, and changes nothing', async () => {
    const store = temporaryFolder();
    const flags = ['--store', `file://${store}`];
    const first = await Kylon.playground({ flags });
    await new Kubectl(first.kubeconfig).run(['create', '-f', '-'], configMap('default', 'one'));
    await first.stop();
    const segments = (await run('find', [store, '-name', '*.seg'])).stdout.trim().split('\n').toSorted();
    const last = segments.at(-1) ?? '';
    const bytes = readFileSync(last);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    chmodSync(last, 0o644);
    writeFileSync(last, bytes);
    const stderr = await refusal(Kylon.launch({ flags }));
    expect(stderr).toContain(last.slice(last.lastIndexOf('/') + 1));
    expect(stderr).toMatch(/hash|digest|checksum|corrupt/i);
    expect(readFileSync(last)).toEqual(bytes);
  });

  it('by a store without write permission', async () => {
    const store = temporaryFolder();
    const data = temporaryFolder();
    const uid = asRoot ? 65_534 : undefined;
    if (uid !== undefined) chownSync(data, uid, uid);
    chmodSync(store, 0o555);
    const stderr = await refusal(Kylon.launch({ data, flags: ['--store', `file://${store}`], ...(uid !== undefined && { uid }) }));
    expect(stderr).toContain(store);
    expect(stderr).toMatch(/permission denied/);
    expect(readdirSync(store)).toEqual([]);
  });

  it('by a store that is a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(await refusal(Kylon.launch({ flags: ['--store', `file://${folder}/file`] }))).toContain(join(folder, 'file'));
  });
});

describe.runIf(asRoot)('a full disk', () => {
  const disk = temporaryFolder();
  let kylon: Kylon & { readonly kubeconfig: string };
  let kubectl: Kubectl;
  const filler = join(disk, 'filler');

  beforeAll(async () => {
    expect(await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', disk])).toMatchObject({ code: 0 });
    mkdirSync(join(disk, 'store'));
    kylon = await Kylon.playground({ flags: ['--store', `file://${disk}/store`] });
    kubectl = new Kubectl(kylon.kubeconfig);
  });
  afterAll(async () => {
    await kylon?.discard();
    await run('umount', [disk]);
  });

  it('refuses writes with the cause, goes on reading, and takes writes again', async () => {
    await kubectl.run(['create', '-f', '-'], configMap('default', 'before'));
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M', 'count=64']);
    expect(existsSync(filler)).toBe(true);
    const full = await kubectl.fails(['create', '-f', '-'], configMap('default', 'during'));
    expect(full).toMatch(/no space|is full/);
    expect(full).not.toMatch(/^\s+at /m);
    await kubectl.get('configmap', 'before', '-n', 'default');
    expect(await kubectl.fails(['get', 'configmap', 'during', '-n', 'default'])).toContain('NotFound');
    rmSync(filler);
    await kubectl.run(['create', '-f', '-'], configMap('default', 'after'));
  });

  it('fails a backup that finds no room, and leaves no part of it', async () => {
    const noise = Buffer.from(Array.from({ length: 700_000 }, () => Math.floor(Math.random() * 94) + 33)).toString('latin1');
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large', namespace: 'default' }, data: { noise } };
    await kubectl.run(['create', '-f', '-'], object);
    const free = Number((await run('df', ['--output=avail', '-k', disk])).stdout.split('\n')[1]);
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1k', `count=${free - 256}`]);
    const { code, stderr } = await kubectl.try(['create', '-f', '-'], backup('default', 'no-room', { includedNamespaces: ['default'] }));
    if (code !== 0) expect(stderr).toMatch(/no space|is full/);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    rmSync(filler);
    const { status } = await ended(kubectl, backups, { namespace: 'default', name: 'no-room' });
    expect(status?.['phase']).toBe('Failed');
    expect(JSON.stringify(status)).toMatch(/no space|is full/);
    expect((await run('find', [disk, '-name', '*.tar.gz'])).stdout).toBe('');
  });

  it('has lost nothing after a restart', async () => {
    const copy = temporaryFolder();
    await kylon.stop();
    cpSync(join(disk, 'store'), copy, { recursive: true });
    kylon = await Kylon.playground({ flags: ['--store', `file://${copy}`] });
    kubectl = new Kubectl(kylon.kubeconfig);
    for (const name of ['before', 'after', 'large']) await kubectl.get('configmap', name, '-n', 'default');
    expect(await kubectl.fails(['get', 'configmap', 'during', '-n', 'default'])).toContain('NotFound');
  });
});

interface Status {
  readonly message: string;
  readonly details?: { readonly causes?: readonly { readonly field: string }[] };
}

const statusOf = (reply: Reply): Status => JSON.parse(reply.text) as Status;
