import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Head } from '../../src/catalog/state/apply.ts';
import { firstHead } from '../../src/catalog/state/apply.ts';
import { encodeCheckpoint, readHeader } from '../../src/catalog/checkpoint/checkpoint-format.ts';
import { encodeFrame, frameOf } from '../../src/catalog/checkpoint/checkpoint-frames.ts';
import { digestOf } from '../../src/catalog/state/digest.ts';
import { openIndex } from '../../src/catalog/local-index/index-store.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { State } from '../../src/catalog/state/state.ts';
import { ManualClock } from '../manual-clock.ts';
import { temporaryFolder } from '../objectstore/stores.ts';
import { bytesOf, dumpOf, read } from './history.ts';

const document = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8');
const hexBehind = (mark: string) =>
  Buffer.from((new RegExp(`${mark}[^]*?\`\`\`hex\n([^\`]*)\`\`\``).exec(document)?.[1] ?? '').replaceAll('\n', ''), 'hex');
const segment = hexBehind('test/catalog/segment.test.ts');
const example = hexBehind('test/catalog/checkpoint-format.test.ts');
const domain = 'f2b1c0de-0000-4000-8000-000000000000';
const made = { domain, time: '2026-11-21T00:10:00.000Z', writer: { replica: 'kylon-0', boot: '1122334455667788' } };

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const pagesOf = async function* (...pages: (readonly (readonly [string, string])[])[]) {
  yield* pages;
};

/** A checkpoint of some objects alone: of several blocks, one of them large. */
async function sample(count = 300, size = 1000): Promise<Buffer> {
  const json = (i: number) => `{"é":"${'x'.repeat(i === 7 ? 500_000 : size)}"}`;
  const entries = Array.from({ length: count }, (_, i): [string, string] => [`c\0r\0n\0${nameOf(i)}`, `${i + 2}\0${json(i)}`]);
  const digest = entries.reduce((sum, _, i) => sum + digestOf({ resource: 'r', namespace: 'n', name: nameOf(i) }, i + 2, json(i)), 0n);
  const head: Head = { ...firstHead, n: 1, hash: 'f'.repeat(64), rv: count + 1, horizon: count + 1, digest: digest % 2n ** 256n };
  return bytesOf(encodeCheckpoint(head, made, pagesOf(entries.slice(0, 10), entries.slice(10))));
}

const nameOf = (i: number) => String(i).padStart(3, '0');

/** The frames of a checkpoint as they lie there. */
function split(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 4; at < bytes.length;) {
    const end = at + 36 + bytes.readUInt32BE(at);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

const joined = (frames: readonly Buffer[]) => Buffer.concat([Buffer.from('KYC1'), ...frames]);

describe('the checkpoint in the document', () => {
  it('is what the segment in the document leads to', async () => {
    const index = await openIndex(indexHome(join(folder, 'example')), { store: 's', domain });
    const state = new State({
      index,
      head: firstHead,
      domain,
      clock: new ManualClock(Date.UTC(2026, 10, 21, 0, 10)),
      window: { changes: 100, milliseconds: 0 },
    });
    await state.advance(1, '', segment, async () => undefined);
    const view = state.view();
    expect((await bytesOf(encodeCheckpoint(view.head, made, view.entries()))).toString('hex')).toBe(example.toString('hex'));
    await view.close();
    expect(new Map((await read(example)).entries)).toEqual((await dumpOf(index)).entries);
    await state.close();
  });

  it('shows its header and entries', async () => {
    expect(document).toContain(`\n${split(example)[0]!.toString('utf8', 37)}\n`);
    const { entries, fault } = await read(example);
    expect(fault).toBeUndefined();
    for (const entry of entries) expect(document).toContain(`\n${entry.join('\0').replaceAll('\0', '␀')}\n`);
    expect(document).toContain(`\n${split(example).at(-1)!.toString('utf8', 37)}\n`);
  });
});

describe('a checkpoint', () => {
  it('is read in pieces of any length', async () => {
    const bytes = await sample();
    const whole = await read(bytes, bytes.length);
    expect(whole.fault).toBeUndefined();
    expect(whole.entries).toHaveLength(300);
    for (const pieceBytes of [1, 35, 36, 37, 4096]) expect(await read(bytes, pieceBytes)).toEqual(whole);
    expect(split(bytes).length).toBeGreaterThan(5);
  });

  it('of nothing is one, too', async () => {
    const bytes = await bytesOf(encodeCheckpoint({ ...firstHead, n: 1, rv: 5, horizon: 5, jump: 6 }, made, pagesOf()));
    expect(await read(bytes)).toEqual({ entries: [] });
  });

  it('tells its header from its first bytes', async () => {
    const bytes = await sample();
    expect(await readHeader(pagesOfBytes(bytes.subarray(0, 1000)))).toMatchObject({ domain, n: 1, writer: made.writer });
  });

  it('is not made of an index that is not whole', async () => {
    const lost = encodeCheckpoint({ ...firstHead, n: 1, rv: 3, horizon: 3, digest: 7n }, made, pagesOf());
    await expect(bytesOf(lost)).rejects.toThrow('would not be whole: the objects do not have the digest that belongs to them');
  });
});

const pagesOfBytes = async function* (bytes: Uint8Array) {
  yield bytes;
};

describe('a damaged checkpoint', () => {
  it('is noticed at every place', async () => {
    const offsets = split(example).reduce<number[]>((starts, frame) => [...starts, starts.at(-1)! + frame.length], [4]);
    for (let at = 0; at < example.length; at++) {
      const bytes = Buffer.from(example);
      bytes[at]! ^= 1;
      expect((await read(bytes)).fault, `byte ${at}`).toBeDefined();
    }
    for (const length of [0, 3, ...offsets.flatMap((at) => [at - 1, at, at + 1, at + 40])].filter((at) => at < example.length))
      expect((await read(example.subarray(0, length))).fault, `${length} bytes`).toBeDefined();
  });

  it('is noticed when frames are missing, twice there, in another order, or of another file', async () => {
    const frames = split(await sample());
    const other = split(await sample(300, 1001));
    const [header, first, second] = [frames[0]!, frames[1]!, frames[2]!];
    const rest = frames.slice(3);
    const order = 'is not the row of frames that its end names';
    const unsorted = 'has a block that cannot be used: an entry that is not in order';
    expect((await read(joined([header, second, first, ...rest]))).fault).toBe(unsorted);
    expect((await read(joined([header, first, ...rest]))).fault).toBe(order);
    expect((await read(joined([header, first, first, second, ...rest]))).fault).toBe(unsorted);
    expect((await read(joined([header, first, other[2]!, ...rest]))).fault).toBe(order);
    expect((await read(joined([first, second, ...rest]))).fault).toBe('does not begin with a header');
    expect((await read(joined([header, header, first, second, ...rest]))).fault).toBe('has a frame that is neither block nor end');
    expect((await read(joined([...frames, first]))).fault).toBe('goes on behind its end');
    expect((await read(joined(frames.slice(0, -1)))).fault).toBe('is cut off');
  });

  const retold = async (edit: Record<string, unknown>) => {
    const frames = split(await sample(3));
    const header = JSON.parse(frames[0]!.toString('utf8', 37)) as object;
    const payload = Buffer.from(`H${JSON.stringify({ ...header, ...edit })}`);
    return (await read(joined([encodeFrame(frameOf(payload)), ...frames.slice(1)]))).fault;
  };

  it.each<[Record<string, unknown>, string]>([
    [{ v: 2 }, 'has version 2 of the format, known is 1'],
    [{ features: { read: ['zstd'], write: [] } }, 'needs features that this version of Kylon does not know: zstd'],
    [{ comp: 'zstd' }, 'has the unknown compression zstd'],
    [{ digest: 'f'.repeat(64) }, 'is not the row of frames'],
  ])('with the header %j is told', async (edit, fault) => {
    expect(await retold(edit)).toContain(fault);
  });

  it('whose objects are not those of its digest is told, though its hashes are right', async () => {
    const frames = split(await sample(3));
    const header = JSON.parse(frames[0]!.toString('utf8', 37)) as object;
    frames[0] = encodeFrame(frameOf(Buffer.from(`H${JSON.stringify({ ...header, digest: 'f'.repeat(64) })}`)));
    const hashes = createHash('sha256');
    for (const frame of frames.slice(0, -1)) hashes.update(frame.subarray(4, 36));
    const end = JSON.parse(frames.at(-1)!.toString('utf8', 37)) as { c: number; h: number; v: number };
    const { c, h, v } = end;
    frames[frames.length - 1] = encodeFrame(frameOf(Buffer.from(`E${JSON.stringify({ c, h, sha256: hashes.digest('hex'), v })}`)));
    expect((await read(joined(frames))).fault).toBe('is not whole: the objects do not have the digest that belongs to them');
  });

  it('with a length beyond all reason is not waited for', async () => {
    const frames = split(await sample(3));
    frames[1]!.writeUInt32BE(0xffff_ffff);
    expect((await read(joined(frames))).fault).toBe('is damaged: it has a frame of 4294967295 bytes');
  });

  it('with a block that claims another length is told', async () => {
    const frames = split(await sample(3));
    const payload = Buffer.from(frames[1]!.subarray(36));
    payload.writeUInt32BE(12, 1);
    frames[1] = encodeFrame(frameOf(payload));
    expect((await read(joined(frames))).fault).toContain('has a block that cannot be used');
    payload.writeUInt32BE(0xffff_ffff, 1);
    frames[1] = encodeFrame(frameOf(payload));
    expect((await read(joined(frames))).fault).toContain('has a block that claims to hold 4294967295 bytes');
  });
});
