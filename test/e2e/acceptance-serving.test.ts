/**
 * What lies between a client and the objects: identity through the front proxy, kubectl proxy, compression, wrong requests, load.
 * The numbers are those of the acceptance list; each test shows the exact effect of its line.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptance, kubeconfig } from './acceptance.ts';
import { clientCertificate } from './certificates.ts';
import type { ClientCertificate } from './certificates.ts';
import { temporaryFolder } from './folder.ts';
import { direct } from './https.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon, portOf } from './kylon.ts';
import { apiVersion, backup, backups, complete, configMap, namespace, path } from './objects.ts';
import { createAll } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { seededStore } from './seed.ts';
import { stopwatch } from './stopwatch.ts';

const ns = 'kylon-e2e-serving';
const big = 'kylon-e2e-serving-big';
const many = 5000;

describe(`${acceptance.title}: serving`, acceptance.options, () => {
  const kubectl = new Kubectl(kubeconfig);
  const auditLog = join(temporaryFolder(), 'audit.log');
  let kylon: Kylon;
  let proxy: Proxy;
  let port: number;
  let carol: ClientCertificate;
  let long: Awaited<ReturnType<typeof beginLong>>;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], [namespace(ns), namespace(big)]);
    await kubectl.run(['create', 'clusterrolebinding', 'kylon-e2e-carol', '--clusterrole=cluster-admin', '--user=carol']);
    proxy = await Proxy.start(kubectl);
    const [store] = await Promise.all([
      seededStore(kubectl, { namespace: big, count: many, padding: 7000 }),
      createAll(
        proxy,
        Array.from({ length: 50 }, (_, n) => configMap(ns, `noise-${n}`, { noise: noise(900_000) })),
      ),
    ]);
    kylon = await Kylon.beside(kubeconfig, { flags: ['--audit-log', auditLog, '--store', store] });
    port = await portOf(kubectl);
    carol = await clientCertificate(kubectl, 'carol');
    long = await beginLong();
  });
  afterAll(async () => {
    await kylon?.stop();
    await proxy?.stop();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'clusterrolebinding', 'kylon-e2e-carol', 'kylon-e2e-last-group', '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', ns, big, '--ignore-not-found']);
  }

  /** For A52, which has to wait for them: meanwhile the other tests run. */
  async function beginLong() {
    await kubectl.run(['create', '-f', '-'], backup(ns, 'a52', { includedResources: ['configmaps'] }));
    const { status } = await complete(kubectl, backups, { namespace: ns, name: 'a52' });
    const began = Date.now();
    const watch = await proxy.open(`${path(ns, 'backups')}?watch=1`);
    const seen: string[] = [];
    watch.on('data', (piece) => seen.push(String(piece)));
    return {
      ...(status?.['archive'] as { bytes: number; sha256: string }),
      began,
      watch,
      seen,
      cut: new SlowReader(await proxy.open(path(ns, 'backups/a52/download'))),
      uncut: new SlowReader(await proxy.open(path(ns, 'backups/a52/proxy/download'))),
    };
  }

  const audited = (part: string) =>
    readFileSync(auditLog, 'utf8')
      .split('\n')
      .filter((line) => line.includes(part))
      .map((line) => JSON.parse(line) as AuditEvent);

  /** Between the first byte of the question and the last of the answer, as we saw it. */
  const secondsOf = (rest: string) =>
    eventually(async () => {
      const [done] = audited(path(ns, rest)).filter(
        ({ stage, requestURI }) => stage === 'ResponseComplete' && requestURI === path(ns, rest),
      );
      return done && Math.round((Date.parse(done.stageTimestamp) - Date.parse(done.requestReceivedTimestamp)) / 100) / 10;
    });

  /** Who a request came from, as our audit log has it. */
  const auditedUser = (name: string) => eventually(async () => audited(`"username":"${name}"`).at(0)?.user);

  it('A33 keeps groups with commas apart, and reads the keys of extra', async () => {
    const reply = await proxy.open(path(ns, 'backups'), {
      'Impersonate-User': 'sys',
      'Impersonate-Group': ['g1', 'g2, x'],
      'Impersonate-Extra-Acme.com%2FProject': ['One', 'two, three'],
      'Impersonate-Extra-Scopes': 'All',
    });
    expect(JSON.parse(await text(reply))).toMatchObject({ reason: 'Forbidden' });
    await kubectl.run(['create', 'rolebinding', 'sys', '--clusterrole=cluster-admin', '--user=sys', '-n', ns]);
    await eventually(async () => {
      const again = await proxy.open(path(ns, 'backups'), {
        'Impersonate-User': 'sys',
        'Impersonate-Group': ['g1', 'g2, x'],
        'Impersonate-Extra-Acme.com%2FProject': ['One', 'two, three'],
        'Impersonate-Extra-Scopes': 'All',
      });
      again.resume();
      return again.statusCode === 200;
    });
    expect(await auditedUser('sys')).toEqual({
      username: 'sys',
      groups: ['g1', 'g2, x', 'system:authenticated'],
      extra: { 'acme.com/project': ['One', 'two, three'], scopes: ['All'] },
    });
  });

  it('A34 a user with 1500 groups', async () => {
    const groups = Array.from({ length: 1500 }, (_, n) => `group-${n}-of-a-long-name`);
    await kubectl.run(['create', 'clusterrolebinding', 'kylon-e2e-last-group', '--clusterrole=cluster-admin', `--group=${groups.at(-1)}`]);
    await eventually(async () => {
      const reply = await proxy.open(path(ns, 'backups'), { 'Impersonate-User': 'joiner', 'Impersonate-Group': groups });
      const answer = await text(reply);
      expect(reply.statusCode, answer).not.toBe(431);
      return reply.statusCode === 200;
    });
    expect((await auditedUser('joiner')).groups).toEqual([...groups, 'system:authenticated']);
  });

  it('A55 a long list is compressed, a watch never', async () => {
    // What is sent again is not compressed again.
    for (let time = 0; time < 3; time++) {
      const list = await proxy.open(`${path(big, 'backups')}?limit=200`, { 'accept-encoding': 'gzip' });
      expect(list.headers['content-encoding']).toBe('gzip');
      const pieces: Buffer[] = [];
      for await (const piece of list) pieces.push(piece as Buffer);
      const plain = gunzipSync(Buffer.concat(pieces));
      expect(plain.length).toBeGreaterThan(1 << 20);
      expect((JSON.parse(plain.toString()) as { items: object[] }).items).toHaveLength(200);
    }

    const watch = await proxy.open(`${path(big, 'backups')}?watch=1&fieldSelector=metadata.name=backup-000007`, {
      'accept-encoding': 'gzip',
    });
    expect(watch.headers).not.toHaveProperty('content-encoding');
    const [first] = (await once(watch, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^\{"type":"ADDED"/);
    const changed = once(watch, 'data');
    const began = Date.now();
    await kubectl.run(['label', backups, 'backup-000007', 'a55=yes', '-n', big]);
    expect(String((await changed)[0])).toMatch(/^\{"type":"MODIFIED"/);
    expect(Date.now() - began).toBeLessThan(5000);
    watch.destroy();
  });

  it('A56 bodies too large, malformed, in YAML, of a wrong type, of none', async () => {
    const post = async (body: string, headers: Record<string, string>) => {
      const reply = await proxy.send('POST', `${path(ns, 'backups')}?dryRun=All`, { headers, body: new TextEncoder().encode(body) });
      return [reply.status, JSON.parse(reply.text) as object] as const;
    };
    const good = JSON.stringify(backup(ns, 'a56'));
    const json = { 'content-type': 'application/json' };
    const failure = (code: number, reason: string) => [code, expect.objectContaining({ kind: 'Status', status: 'Failure', code, reason })];
    expect(await post(JSON.stringify({ ...backup(ns, 'a56'), pad: 'x'.repeat(3.1 * 2 ** 20) }), json)).toEqual(
      failure(413, 'RequestEntityTooLarge'),
    );
    expect(await post('{"apiVersion":', json)).toEqual(failure(400, 'BadRequest'));
    expect(await post(good, { 'content-type': 'text/plain' })).toEqual(failure(415, 'UnsupportedMediaType'));
    const yaml = `apiVersion: ${apiVersion}\nkind: Backup\nmetadata: {name: a56}\nspec: {ttl: 1h}\n`;
    expect(await post(yaml, { 'content-type': 'application/yaml' })).toEqual([201, expect.objectContaining({ kind: 'Backup' })]);
    expect(await post(good, {})).toEqual([201, expect.objectContaining({ kind: 'Backup' })]);
  });

  it('A57 wrong methods and odd paths are never 200, by kube-apiserver or straight to us', async () => {
    const list = path(ns, 'backups');
    const wrong: [string, string, number][] = [
      ['PUT', list, 405],
      ['PATCH', `${list}/a52`, 415],
      ['OPTIONS', list, 405],
      ['GET', list.replace('/apis', '/APIS'), 404],
      ['GET', `${list}/`, 404],
      ['GET', list.replace('/backups', '//backups'), 404],
      ['GET', `/apis/${apiVersion}/`, 404],
      ['GET', `/${list}`, 404],
      ['POST', `${list}/a52`, 405],
      ['DELETE', `/apis/${apiVersion}/backups`, 405],
    ];
    for (const [method, where, code] of wrong) {
      const body = method === 'PATCH' || method === 'PUT' || method === 'POST' ? '{}' : undefined;
      const straight = await direct({ port, method, path: where, ...(body !== undefined && { body }), ...carol });
      expect([straight.status, JSON.parse(straight.text)], `${method} ${where}`).toEqual([
        code,
        expect.objectContaining({ kind: 'Status', code }),
      ]);
      const proxied = await proxy.send(method, where, body === undefined ? {} : { body: new TextEncoder().encode(body) });
      // Go cleans doubled slashes away by a redirect before anybody else sees them.
      expect(where.includes('//') ? [code, 301] : [code], `${method} ${where} by kube-apiserver`).toContain(proxied.status);
    }
  });

  it('A60 discovery is answered within 1 s while 20 clients list 5000 big objects', async () => {
    const condition = () => kubectl.run(['get', 'apiservice', apiServiceName, '-o', 'jsonpath={.status.conditions}']);
    const before = await condition();
    const watch = kubectl.start('get', 'apiservice', apiServiceName, '-w', '--no-headers');
    const end = Date.now() + 8_000;
    let lists = 0;
    const clients = Array.from({ length: 20 }, async () => {
      while (Date.now() < end) {
        const reply = await proxy.open(path(big, 'backups'), { 'accept-encoding': 'gzip' });
        expect(reply.statusCode).toBe(200);
        await drain(reply);
        lists += 1;
      }
    });
    const times: number[] = [];
    while (Date.now() < end) {
      const since = stopwatch(kylon.process.child.pid ?? 0);
      expect((await proxy.send('GET', `/apis/${apiVersion}`)).status).toBe(200);
      times.push(since());
      await sleep(50);
    }
    await Promise.all(clients);
    await watch.stop();
    const worst = Math.max(...times);
    console.log(`A60: worst of ${times.length} looks ${worst.toFixed(0)} ms, while ${lists} lists of ${many} were read`);
    expect(lists).toBeGreaterThanOrEqual(20);
    expect(worst).toBeLessThan(1000);
    expect(watch.stdout).not.toContain('False');
    expect(await condition()).toBe(before);
  });

  it('A52 kubectl proxy: a list, a watch and a slow download beyond 60 s', async () => {
    const { cut, uncut, watch, seen, began, bytes, sha256 } = long;
    expect(JSON.parse((await proxy.send('GET', path(ns, 'backups'))).text)).toMatchObject({ kind: 'BackupList', items: [{}] });
    await sleep(Math.max(0, began + 62_000 - Date.now()));

    await Promise.all([cut.hurry(), uncut.hurry()]);
    expect([uncut.broken, uncut.size, uncut.sha256()]).toEqual([false, bytes, sha256]);
    expect(cut.broken).toBe(true);
    const [cutAfter = 0, uncutAfter = 0] = await Promise.all(
      ['download', 'proxy/download'].map((rest) => secondsOf(`backups/a52/${rest}`)),
    );
    console.log(
      `A52: kube-apiserver cut download after ${cutAfter} s and ${cut.size} of ${bytes} bytes; proxy/download took ${uncutAfter} s`,
    );
    expect(cutAfter).toBeGreaterThan(58);
    expect(cutAfter).toBeLessThan(62);
    expect(uncutAfter).toBeGreaterThan(61);

    const rest = await proxy.open(path(ns, 'backups/a52/download'), { range: `bytes=${cut.size}-` });
    expect(rest.statusCode).toBe(206);
    for await (const piece of rest) cut.take(piece as Buffer);
    expect(cut.sha256()).toBe(sha256);

    const before = seen.length;
    await kubectl.run(['label', backups, 'a52', 'late=yes', '-n', ns]);
    await eventually(async () => seen.length > before);
    expect(watch.complete).toBe(false);
    watch.destroy();
  });
});

interface AuditEvent {
  readonly stage: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly user: { readonly username: string; readonly groups: readonly string[]; readonly extra?: object };
}

/** Text that gzip makes hardly smaller. */
const noise = (length: number) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return Array.from({ length }, () => alphabet[Math.floor(Math.random() * alphabet.length)]).join('');
};

async function drain(reply: IncomingMessage): Promise<void> {
  reply.resume();
  await once(reply, 'end');
}

/** Takes a body at some 50 KB a second, so that what is large takes minutes. */
class SlowReader {
  size = 0;
  broken = false;
  readonly #ended: Promise<void>;
  readonly #reply: IncomingMessage;
  readonly #hash = createHash('sha256');
  #patience = 1000;

  constructor(reply: IncomingMessage) {
    this.#reply = reply;
    this.#ended = this.#read();
  }

  take(piece: Buffer): void {
    this.size += piece.length;
    this.#hash.update(piece);
  }

  async hurry(): Promise<void> {
    this.#patience = 0;
    await this.#ended;
  }

  sha256(): string {
    return this.#hash.digest('hex');
  }

  async #read(): Promise<void> {
    try {
      for await (const piece of this.#reply) {
        this.take(piece as Buffer);
        if (this.#patience > 0) await sleep(this.#patience);
      }
    } catch {
      this.broken = true;
    }
  }
}
