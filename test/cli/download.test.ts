/** Downloads over connections that break, and answers that are not what they should be. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptedCluster, status } from '../cluster/api-server.ts';
import type { Received, Script } from '../cluster/api-server.ts';
import { kylon } from './test-shell.ts';

const archive = randomBytes(300_000);
const sha256 = createHash('sha256').update(archive).digest('hex');
const part = `x.tar.gz.${sha256.slice(0, 12)}.part`;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kylon-download-'));
  file = join(folder, 'x.tar.gz');
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Answer {
  /** Bytes after which the connection breaks. */
  readonly cutAt?: number;
  readonly bytes?: Buffer;
  readonly etag?: string;
  /** Answers all, though a range is asked for. */
  readonly whole?: boolean;
}

function deliver(
  { headers }: Received,
  response: ServerResponse,
  { cutAt, bytes = archive, etag = sha256, whole = false }: Answer,
): undefined {
  const start = whole ? 0 : Number(/bytes=(\d+)-/.exec(headers['range']?.[0] ?? '')?.[1] ?? 0);
  const rest = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    ETag: `"${etag}"`,
    'Content-Length': rest.length,
    ...(start > 0 && { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (cutAt === undefined) response.end(rest);
  else response.write(rest.subarray(0, cutAt), () => setTimeout(() => response.destroy(), 20));
}

async function download(answers: readonly (Answer | Script)[], ...flags: readonly string[]) {
  const left = [...answers];
  const asked: Received[] = [];
  await using server = await scriptedCluster((request, response) => {
    if (!request.path.endsWith('/proxy/download'))
      return { body: { metadata: { name: 'x' }, status: { archive: { sha256, bytes: archive.length } } } };
    asked.push(request);
    const answer = left.shift() ?? {};
    return typeof answer === 'function' ? answer(request, response) : deliver(request, response, answer);
  });
  const said = await kylon(['download', 'x', ...(flags.length > 0 ? flags : ['-o', file])], { kubeconfig: server.kubeconfig });
  return { ...said, ranges: asked.map(({ headers }) => headers['range']?.[0]), asked };
}

describe('a download', () => {
  it('goes on where the connection was cut, and proves what it got', async () => {
    const { code, stderr, ranges, asked } = await download([{ cutAt: 100_000 }, { cutAt: 50_000 }, {}]);
    expect(code, stderr).toBe(0);
    expect(readFileSync(file).equals(archive)).toBe(true);
    expect(readdirSync(folder)).toEqual(['x.tar.gz']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(asked[1]?.headers['if-range']).toEqual([`"${sha256}"`]);
    expect(stderr.match(/the connection was cut at/g)).toHaveLength(2);
  });

  it('gives up no sooner because there were many cuts', async () => {
    const { code, ranges } = await download(Array.from({ length: 9 }, () => ({ cutAt: 30_000 })));
    expect({ code, requests: ranges.length }).toEqual({ code: 0, requests: 10 });
  });

  it('goes on when it is called again', async () => {
    writeFileSync(join(folder, part), archive.subarray(0, 123_456));
    const { code, ranges } = await download([{}]);
    expect({ code, ranges }).toEqual({ code: 0, ranges: ['bytes=123456-'] });
    expect(readFileSync(file).equals(archive)).toBe(true);
  });

  it('needs no request for what is there already, and cuts off what is too much', async () => {
    writeFileSync(join(folder, part), Buffer.concat([archive, Buffer.from('more')]));
    expect(await download([])).toMatchObject({ code: 0, ranges: [] });
    expect(readFileSync(file).equals(archive)).toBe(true);
  });

  it('goes on after an answer of 503, and gives up after six tries without a byte', async () => {
    expect(await download([() => status(503, 'ServiceUnavailable', 'busy'), {}])).toMatchObject({ code: 0 });
    rmSync(file);
    const { code, stderr, ranges } = await download(Array.from({ length: 9 }, () => ({ cutAt: 0 })));
    expect({ code, tries: ranges.length }).toEqual({ code: 6, tries: 6 });
    expect(stderr).toMatch(/aborted|socket hang up|ECONNRESET/);
    expect(existsSync(file)).toBe(false);
  });

  it('keeps nothing of what is damaged', async () => {
    writeFileSync(join(folder, part), Buffer.alloc(10));
    const { code, stderr } = await download([{}]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('what was downloaded is damaged: its SHA-256 is') });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses another archive and another range', async () => {
    expect(await download([{ cutAt: 10 }, { etag: 'other' }])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it has changed meanwhile'),
    });
    expect(await download([{ whole: true }])).toMatchObject({ code: 1, stderr: expect.stringContaining('begins at 0') });
  });

  it('replaces a file only by --force', async () => {
    writeFileSync(file, 'mine');
    expect(await download([])).toMatchObject({ code: 1, ranges: [], stderr: expect.stringContaining('is there already') });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(await download([{}], '-o', file, '--force')).toMatchObject({ code: 0 });
    expect(readFileSync(file).equals(archive)).toBe(true);
  });

  it('says why it cannot be written', async () => {
    expect(await download([], '-o', join(folder, 'no/such/x'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it does not exist'),
    });
  });

  it('is refused in the words of the server', async () => {
    const { code, stderr } = await download([() => status(403, 'Forbidden', 'not you')]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: 'Error from server (Forbidden): not you\n' });
  });
});
