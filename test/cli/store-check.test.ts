import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeCommand } from '../../src/cli/store.ts';
import { checkpointKey, segmentKey } from '../../src/catalog/paths.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import { CatalogFixture, domain } from '../catalog/fixture.ts';
import { keyLine, keysOf } from '../objectstore/keyrings.ts';
import { env, urlAt } from '../objectstore/s3-bucket.ts';
import { emptyList, startS3Server } from '../objectstore/s3-server.ts';
import { parts } from '../objectstore/stores.ts';

const { signal } = new AbortController();
let fixture: CatalogFixture;
let folder: string;
beforeEach(async () => {
  fixture = new CatalogFixture();
  folder = await fixture.path('store');
});
afterEach(() => fixture.destroy());

interface Told {
  /** Lines on standard output, up to the error if there is one. */
  readonly said: readonly string[];
  readonly error: string | undefined;
}

const run = (...args: string[]) => runIn({}, ...args);

async function runIn(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Told> {
  const said: string[] = [];
  const command = storeCommand({ ...parts, env, say: (text) => said.push(text) }).exitOverride();
  const error = await command.parseAsync(args, { from: 'user' }).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  return { said, error };
}

const check = (url = pathToFileURL(folder).href, ...flags: string[]) => run('check', url, ...flags);
const accept = (...flags: string[]) => run('accept-rollback', pathToFileURL(folder).href, '--domain', domain, ...flags);

/** Three segments. */
async function fill(isEncrypted = false): Promise<void> {
  const bare = await openDirectory(folder, parts);
  const catalog = await fixture.open(isEncrypted ? encrypted(bare, keysOf('one'), parts.ids) : bare, { encrypted: isEncrypted });
  for (const name of ['a', 'b', 'c'])
    await catalog.write({ op: 'create', key: { resource: 'things', namespace: 'n', name }, json: '{"a":1}' }, signal);
  await catalog.close();
}

/** Changes the header of a segment, and the hash before it. */
async function rewrite(n: number, change: object): Promise<void> {
  const bytes = await readFile(inLog(n));
  const end = 40 + bytes.readUInt32BE(4);
  const text = Buffer.from(JSON.stringify({ ...(JSON.parse(bytes.toString('utf8', 40, end)) as object), ...change }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const hash = createHash('sha256').update(text).digest();
  await writeFile(inLog(n), Buffer.concat([bytes.subarray(0, 4), length, hash, text, bytes.subarray(end)]));
}

const inLog = (n: number) => join(folder, segmentKey(domain, n));

async function addCheckpoint(n: number, text = 'torn'): Promise<string> {
  const key = checkpointKey(domain, n, '0123456789abcdef');
  await (await openDirectory(folder, parts)).putIfAbsent(key, Buffer.from(text), signal);
  return key;
}

describe('kylon store check', () => {
  it('tells each promise as it is proved, the times, and that there is no catalog', async () => {
    const { said, error } = await check('memory:');
    expect(error).toBeUndefined();
    expect(said.filter((line) => line.startsWith('ok: '))).toHaveLength(7);
    expect(said).toContain('ok: of 8 racing creates of one key exactly one succeeds, 3 times');
    expect(said.slice(7)).toEqual([
      'memory: can be read and written.',
      expect.stringMatching(/^Of 20 requests of 1024 bytes, .* the median is [0-9.]+ ms for a put and [0-9.]+ ms for a get\.$/),
      'It holds no catalog: Kylon makes one at its first start. If it held one before, it was emptied, and docs/operations.md says how to go on.',
    ]);
  });

  it('tells the format, the domains and their segments, and leaves the store as it was', async () => {
    await fill();
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('d/zone/backups/x', new Uint8Array(), signal);
    await store.close();
    const before = await readdir(folder, { recursive: true });
    const { said, error } = await check();
    expect(error).toBeUndefined();
    expect(said.slice(-3)).toEqual([
      expect.stringMatching(/^It holds a catalog of format 1, not encrypted; the id of the store is [0-9a-f-]{36}\.$/),
      `  domain ${domain}: segments 1 to 3 without a gap, 0 checkpoints`,
      '  domain zone: no segments, 0 checkpoints',
    ]);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  it('says which segment is missing', async () => {
    await fill();
    await rm(inLog(2));
    const { said, error } = await check();
    expect(said.at(-2)).toContain('segments 1 to 3, but 2 is missing');
    expect(error).toMatch(/^the server refuses domain .* of file:.*: .*0002\.seg is missing; docs\/operations\.md says/);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['the front of the log is missing', () => rm(inLog(1)), '0001.seg is missing, but segment 2 is there'],
    ['a checkpoint is ahead', () => addCheckpoint(4), '0004.seg is missing, but d/'],
    ['the newest segment is empty', () => writeFile(inLog(3), ''), '0003.seg: is not a segment'],
    ['the newest segment is another one', async () => writeFile(inLog(3), await readFile(inLog(2))), 'is segment 2, not 3'],
    ['the newest segment is of a later version', () => rewrite(3, { v: 2 }), 'has version 2 of the format'],
    ['the newest segment needs more', () => rewrite(3, { features: { read: ['novelty'], write: [] } }), 'does not know: novelty'],
  ])('says that the server refuses a store where %s', async (_, harm, fault) => {
    await fill();
    await harm();
    const { said, error } = await check();
    expect(said.at(-1)).toMatch(/^ {4}refused: /);
    expect(error).toMatch(/^the server refuses domain .*; docs\/operations\.md says how to go on$/);
    expect(error).toContain(fault);
    await expect(fixture.open(await openDirectory(folder, parts))).rejects.toThrow();
  });

  it('says that the log is missing, of which a checkpoint was made', async () => {
    await fill();
    await addCheckpoint(3);
    await rm(join(folder, 'd', domain, 'log'), { recursive: true });
    const { said, error } = await check();
    expect(said.at(-2)).toMatch(/: no segments, 1 checkpoint$/);
    expect(error).toContain('the log is missing, but d/');
  });

  it('tells of a checkpoint that a server passes over', async () => {
    await fill();
    const key = await addCheckpoint(3);
    const { said, error } = await check();
    expect(error).toBeUndefined();
    expect(said.at(-1)).toContain(`not used: ${key}: `);
  });

  it('takes a front that is missing for accepted where numbers have jumped since', async () => {
    await fill();
    const catalog = await fixture.open(await openDirectory(folder, parts), { checkpoints: { segments: 1, bytes: 1, interval: 5 } });
    await catalog.write({ op: 'create', key: { resource: 'things', namespace: 'n', name: 'd' }, json: '{}' }, signal);
    const made = async () => (await readdir(join(folder, 'd', domain, 'ckpt')).catch(() => [])).length;
    await expect.poll(made, { timeout: 5000 }).toBeGreaterThan(0);
    await catalog.close();
    await rm(inLog(1));
    expect((await check()).error).toContain('0001.seg is missing');
    expect((await accept('--yes')).said.at(-1)).toContain('Done.');
    const { said, error } = await check();
    expect([error, said.at(-1)]).toEqual([undefined, expect.stringMatching(/: segments 2 to 5 without a gap, \d checkpoints?$/)]);
    await fixture.open(await openDirectory(folder, parts));
  });

  it('looks into an encrypted store with its keys, and says so without', async () => {
    await fill(true);
    await writeFile(inLog(3), await readFile(inLog(2)));
    const blind = await check();
    expect([blind.error, blind.said.at(-1)]).toEqual([undefined, 'Its contents were not looked at: that takes --encryption-keys FILE.']);
    const keys = await fixture.path('keys');
    await writeFile(keys, keyLine('one'), { mode: 0o600 });
    expect((await check(undefined, '--encryption-keys', keys)).error).toContain('000003.seg');
    await writeFile(join(folder, 'kylon.json'), JSON.stringify({ format: 1, store: 'x' }));
    expect((await check(undefined, '--encryption-keys', keys)).error).toContain('is not encrypted: the server refuses it');
  });

  it('promises no catalog in an empty place that can only be read', async () => {
    const server = await startS3Server();
    server.answer(({ method, path }) => {
      if (method !== 'GET') return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
      return path.includes('list-type') ? emptyList : { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' };
    });
    const { said, error } = await runIn(env, 'check', urlAt(server.endpoint).href);
    await server.close();
    expect(said.at(-1)).toContain('s3://bucket/prefix can only be read: ');
    expect(error).toBe('s3://bucket/prefix holds no catalog, and none can be made there: give the right to write');
  });

  it('does not make a folder that does not exist', async () => {
    expect((await check()).error).toMatch(/^file:.*: there is no such folder, check the path/);
    await expect(access(folder)).rejects.toThrow('ENOENT');
  });

  it('says that the marker is missing', async () => {
    await fill();
    await rm(join(folder, 'kylon.json'));
    expect((await check()).error).toMatch(/^kylon\.json is missing in file:.*, but there is data of 1 domain: /);
  });

  it("refuses somebody else's folder, and a URL that names no store", async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.txt'), 'x');
    expect((await check()).error).toMatch(/holds "thesis\.txt", which Kylon has not made/);
    expect((await check('ftp://x/y')).error).toMatch(/^error: <url>: unknown scheme ftp, known are /);
  });
});
