import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Ids } from '../../src/base/ids.ts';
import { randomIds } from '../../src/base/ids.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { parseKeyring } from '../../src/objectstore/encryption/keyring.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ByteRange, ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDamaged, StoreError, StoreNotFound, StoreRange } from '../../src/objectstore/objectstore.ts';
import { describeObjectStore } from '../conformance/objectstore.ts';
import { keyLine, keysOf } from './keyrings.ts';
import { stores } from './stores.ts';

const signal = AbortSignal.any([]);
const chunk = 65_536;
const header = 96;
const tag = 16;

describe.each(stores.filter(({ name }) => name === 'memory' || name === 'directory'))('the object store $name, encrypted', ({ create }) =>
  describeObjectStore(async () => {
    const made = await create();
    const [one, other] = made.clients;
    return {
      clients: [encrypted(one, keysOf('a', 'b'), randomIds, ''), encrypted(other, keysOf('b', 'a'), randomIds, '')],
      destroy: () => made.destroy(),
    };
  }),
);

async function contentOf(store: ObjectStore, key: string, range?: ByteRange): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await store.stream(key, signal, range)).body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Repeats itself at no distance that matters. */
function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + (i >> 16)) & 255));
}

async function* inPieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

let objects: Map<string, Uint8Array>;
let store: ObjectStore;
beforeEach(() => {
  objects = new Map();
  store = encrypted(memoryStore(objects), keysOf('a'), randomIds);
});

const stored = (key: string) => Buffer.from(objects.get(key) ?? expect.fail(`no ${key}`));
const put = (key: string, content: Uint8Array) => store.putIfAbsent(key, content, signal);
/** As a process that has read nothing so far. */
const fresh = () => encrypted(memoryStore(objects), keysOf('a'), randomIds);

describe('encrypted', () => {
  it('encrypts what lies under d/ and nothing else', async () => {
    const content = Buffer.from('something to be recognized by');
    for (const key of ['kylon.json', 'probe/x', 'd/x', 'd/y/z', 'data']) await put(key, content);
    await store.upload('d/up', inPieces(content, 3), signal);
    await store.upload('up', inPieces(content, 3), signal);
    const readable = [...objects].filter(([, bytes]) => Buffer.from(bytes).includes(content.subarray(0, 5))).map(([key]) => key);
    expect(readable.sort()).toEqual(['data', 'kylon.json', 'probe/x', 'up']);
    for (const key of objects.keys()) {
      expect(Buffer.from(await store.read(key, signal))).toEqual(content);
      expect(await store.size(key, signal)).toBe(content.length);
    }
    for await (const { size } of store.list('', signal)) expect(size).toBe(content.length);
  });

  it('never encrypts twice alike', async () => {
    for (const key of ['d/1', 'd/2']) await put(key, Buffer.alloc(64));
    await store.delete('d/1', signal);
    const first = stored('d/2');
    await store.delete('d/2', signal);
    await put('d/2', Buffer.alloc(64));
    for (const part of [first.subarray(36, 48), first.subarray(48, 96), first.subarray(96, 128)])
      expect(stored('d/2').includes(part)).toBe(false);
  });

  it('gives each upload and put the size that its content says', async () => {
    for (const size of [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1]) {
      await put(`d/put/${size}`, pattern(size));
      await store.upload(`d/up/${size}`, inPieces(pattern(size), 50_000), signal);
      for (const key of [`d/put/${size}`, `d/up/${size}`]) {
        expect(stored(key)).toHaveLength(header + size + Math.max(1, Math.ceil(size / chunk)) * tag);
        expect(await store.size(key, signal)).toBe(size);
        expect(Buffer.from(await store.read(key, signal)).equals(pattern(size))).toBe(true);
        expect((await contentOf(store, key)).equals(pattern(size))).toBe(true);
      }
    }
  });

  it('reads ranges as a plain store does', async () => {
    const plain = memoryStore();
    const sizes = [0, 1, 100, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 3 * chunk + 7];
    for (const size of sizes) for (const one of [plain, store]) await one.putIfAbsent(`d/${size}`, pattern(size), signal);
    const near = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -2, max: 2 })).map(([n, by]) => Math.max(0, n * chunk + by));
    const place = fc.oneof(near, fc.integer({ min: 0, max: 4 * chunk }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...sizes), place, fc.option(place, { nil: undefined }), async (size, start, length) => {
        const key = `d/${size}`;
        const range = length === undefined ? { start } : { start, length };
        const outcome = (reading: Promise<Uint8Array>) =>
          reading.then(
            (bytes) => createHash('sha256').update(bytes).digest('hex') + bytes.length,
            (error: unknown) => (error instanceof StoreRange ? `behind ${error.size}` : expect.fail(String(error))),
          );
        const right = await outcome(plain.read(key, signal, range));
        expect(await outcome(store.read(key, signal, range))).toBe(right);
        expect(await outcome(contentOf(store, key, range))).toBe(right);
      }),
      { numRuns: 300 },
    );
  });

  it('reads no more of the store than the header, once, and the chunks that it needs', async () => {
    await put('d/k', pattern(10 * chunk));
    const { asked, reader } = watched();
    await reader.read('d/k', signal, { start: 3 * chunk - 1, length: 2 });
    await reader.read('d/k', signal, { start: 9 * chunk, length: 1 });
    await contentOf(reader, 'd/k', { start: 8 * chunk });
    await reader.size('d/k', signal);
    const sealed = chunk + tag;
    expect(asked).toEqual([
      'stream 0+96',
      `read ${header + 2 * sealed}+${2 * sealed}`,
      `read ${header + 9 * sealed}+${sealed}`,
      'stream 0+96',
      `stream ${header + 8 * sealed}+${2 * sealed}`,
    ]);
  });

  it('is not misled by what it remembers of an object that was made anew', async () => {
    const range = { start: 2, length: 3 };
    for (const content of ['0123456789', 'abcdefghij', 'shorter', 'much longer than it was before', 'x']) {
      await fresh().delete('d/k', signal);
      await expect(store.read('d/k', signal, range)).rejects.toBeInstanceOf(StoreNotFound);
      await fresh().putIfAbsent('d/k', Buffer.from(content), signal);
      const reading = store.read('d/k', signal, range);
      if (content.length <= range.start) await expect(reading).rejects.toSatisfy((e) => e instanceof StoreRange && e.size === 1);
      else expect(Buffer.from(await reading).toString()).toBe(content.slice(2, 5));
      await fresh().delete('d/k', signal);
      await fresh().putIfAbsent('d/k', pattern(2 * chunk), signal);
      expect(Buffer.from(await store.read('d/k', signal, { start: chunk, length: 9 }))).toEqual(
        pattern(2 * chunk).subarray(chunk, chunk + 9),
      );
    }
  });

  it('remembers a bounded number of headers, and reads all', async () => {
    for (let i = 0; i < 600; i++) await put(`d/${i}`, Buffer.from(`content ${i}`));
    const { asked, reader } = watched();
    const read = async (i: number) => Buffer.from(await reader.read(`d/${i}`, signal, { start: 8 })).toString();
    for (let i = 0; i < 600; i++) expect(await read(i)).toBe(`${i}`);
    expect(asked).toHaveLength(1200);
    expect([await read(599), await read(344), await read(343)]).toEqual(['599', '344', '343']);
    expect(asked.slice(1200).map((what) => what.split(' ')[0])).toEqual(['read', 'read', 'stream', 'read']);
  });
});

/** Every way to read must refuse it with a StoreError. */
async function expectRefused(key: string, what: string, kind: typeof StoreError = StoreError): Promise<void> {
  const reader = fresh();
  const size = await reader.size(key, signal).catch(() => 1);
  const ranged = size === 0 ? [] : [reader.read(key, signal, { start: 0, length: 1 })];
  for (const reading of [reader.read(key, signal), contentOf(reader, key), ...ranged])
    await expect(reading, what).rejects.toBeInstanceOf(kind);
}

describe('encrypted, when somebody changes the store', () => {
  it('notices every bit that is not as it was', async () => {
    await put('d/k', Buffer.from('some content'));
    const whole = stored('d/k');
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      objects.set('d/k', changed);
      await expectRefused('d/k', `bit ${bit}`);
    }
  });

  it('notices every length that is not as it was', async () => {
    for (const content of [Buffer.alloc(0), Buffer.from('some content')]) {
      objects.clear();
      await put('d/k', content);
      const whole = stored('d/k');
      for (let length = 0; length < whole.length; length++) {
        objects.set('d/k', whole.subarray(0, length));
        await expectRefused('d/k', `${length} bytes`);
      }
      for (const more of [1, 16, 100]) {
        objects.set('d/k', Buffer.concat([whole, Buffer.alloc(more)]));
        await expectRefused('d/k', `${more} bytes more`);
      }
    }
  });

  it('notices chunks that are cut off, swapped, doubled or from elsewhere', async () => {
    await put('d/k', pattern(3 * chunk));
    await put('d/other', pattern(3 * chunk));
    const [whole, other] = [stored('d/k'), stored('d/other')];
    const part = (bytes: Buffer, i: number) => bytes.subarray(header + i * (chunk + tag), header + (i + 1) * (chunk + tag));
    const [head, a, b, c] = [whole.subarray(0, header), part(whole, 0), part(whole, 1), part(whole, 2)];
    const forged: Record<string, readonly Buffer[]> = {
      'the last cut off': [head, a, b],
      'the first cut off': [head, b, c],
      'all but the first cut off': [head, a],
      'all cut off': [head],
      'all cut off but a tag': [head, a.subarray(0, tag)],
      'two swapped': [head, b, a, c],
      'one doubled': [head, a, a, b, c],
      'the last doubled': [head, a, b, c, c],
      'one of another object': [head, a, part(other, 1), c],
      'the header of another object': [other.subarray(0, header), a, b, c],
    };
    for (const [what, parts] of Object.entries(forged)) {
      objects.set('d/k', Buffer.concat(parts));
      for (const reading of [fresh().read('d/k', signal), contentOf(fresh(), 'd/k')])
        await expect(reading, what).rejects.toBeInstanceOf(StoreDamaged);
    }
    objects.set('d/k', whole);
    expect(Buffer.from(await fresh().read('d/k', signal)).equals(pattern(3 * chunk))).toBe(true);
  });

  it('notices two objects that changed places', async () => {
    await put('d/1', Buffer.from('one'));
    await put('d/2', Buffer.from('two'));
    const [one, two] = [stored('d/1'), stored('d/2')];
    objects.set('d/1', two).set('d/2', one);
    for (const key of ['d/1', 'd/2']) await expectRefused(key, key, StoreDamaged);
  });

  it('notices a store that sends less than it has', async () => {
    await put('d/k', pattern(3 * chunk));
    const inner = memoryStore(objects);
    const short: ObjectStore = {
      ...bound(inner),
      read: async (...args) => (await inner.read(...args)).subarray(0, chunk + tag),
      stream: async (...args) => {
        const { size, body } = await inner.stream(...args);
        const pieces: Uint8Array[] = [];
        for await (const piece of body) pieces.push(piece);
        return { size, body: inPieces(Buffer.concat(pieces).subarray(0, 2 * (chunk + tag)), 1_000) };
      },
    };
    await expect(encrypted(short, keysOf('a'), randomIds).read('d/k', signal, { start: 0 })).rejects.toBeInstanceOf(StoreDamaged);
    await expect(contentOf(encrypted(short, keysOf('a'), randomIds), 'd/k')).rejects.toThrow('d/k is damaged: it ends before chunk 2');
  });

  it('refuses what was never encrypted, and lists it still', async () => {
    const plain = Buffer.from('KYL1 as somebody put it here');
    objects.set('d/k', plain).set('d/long', Buffer.concat([plain, Buffer.alloc(500)]));
    for (const key of ['d/k', 'd/long']) {
      await expect(store.read(key, signal)).rejects.toThrow(`${key} is not encrypted, though this store is`);
      await expect(contentOf(store, key)).rejects.toThrow(`${key} is not encrypted, though this store is`);
    }
    await expect(store.size('d/k', signal)).rejects.toThrow('d/k is damaged or not encrypted: no encrypted object has 28 bytes');
    const listed: string[] = [];
    for await (const { key } of store.list('d/', signal)) listed.push(key);
    expect(listed).toEqual(['d/k', 'd/long']);
    await store.delete('d/k', signal);
    expect([...objects.keys()]).toEqual(['d/long']);
  });
});

describe('encrypted, with several keys', () => {
  it('reads what older keys wrote and writes with the first', async () => {
    await put('d/1', Buffer.from('by a'));
    const rotated = encrypted(memoryStore(objects), keysOf('b', 'a'), randomIds);
    expect(Buffer.from(await rotated.read('d/1', signal)).toString()).toBe('by a');
    await rotated.putIfAbsent('d/2', Buffer.from('by b'), signal);
    expect(['d/1', 'd/2'].map((key) => stored(key).toString('latin1', 4, 36).replaceAll('\0', ''))).toEqual(['a', 'b']);
    await expect(store.read('d/2', signal)).rejects.toThrow(
      'd/2 is encrypted with the key "b", which is not among those given (a): add it to the file of keys',
    );
    for (const reading of [() => store.read('d/2', signal, { start: 1 }), () => store.stream('d/2', signal)])
      await expect(reading()).rejects.toThrow('which is not among those given');
  });

  it('refuses a key of the right name that is another', async () => {
    await put('d/1', Buffer.from('by a'));
    const wrong = encrypted(memoryStore(objects), parseKeyring(keyLine('a', 'other'), 'keys'), randomIds);
    await expect(wrong.read('d/1', signal)).rejects.toThrow('d/1 is damaged or was not written with the key "a" that was given');
  });
});

describe('docs/format.md, Encryption', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/format.md'), 'utf8');
  const block = (test: string) => new RegExp(`<!-- ${test} -->\\s*\`\`\`\\w*\\n([^\`]+)\`\`\``).exec(text)?.[1] ?? '';
  const keyring = parseKeyring(block('test/objectstore/encrypted.test.ts: keys'), 'docs/format.md');
  const key = 'd/playground/log/00000000000000000001.seg';
  const ids: Ids = {
    ...randomIds,
    hex: (bytes) => Buffer.from(Array.from({ length: bytes }, (_, i) => (bytes === 32 ? 0x40 : 0x80) + i)).toString('hex'),
  };

  it('shows an object as it is written', async () => {
    await encrypted(memoryStore(objects), keyring, ids).putIfAbsent(key, Buffer.from('Kylon\n'), signal);
    expect(stored(key).toString('hex')).toBe(block('test/objectstore/encrypted.test.ts: object').replaceAll('\n', ''));
  });

  it('names the hash of one of two chunks', async () => {
    await encrypted(memoryStore(objects), keyring, ids).upload(key, inPieces(Buffer.alloc(65_537, 'a'), 1000), signal);
    expect(stored(key)).toHaveLength(65_665);
    expect(text).toContain(createHash('sha256').update(stored(key)).digest('hex'));
  });
});

/** A reader with nothing in mind, and what it asks of the store. */
function watched(): { readonly asked: string[]; readonly reader: ObjectStore } {
  const asked: string[] = [];
  const inner = memoryStore(objects);
  const told: ObjectStore = {
    ...bound(inner),
    read: (key, within, range) => (asked.push(`read ${range?.start}+${range?.length}`), inner.read(key, within, range)),
    stream: (key, within, range) => (asked.push(`stream ${range?.start}+${range?.length}`), inner.stream(key, within, range)),
  };
  return { asked, reader: encrypted(told, keysOf('a'), randomIds) };
}

/** Its methods as properties, so that one can be put in the place of another. */
function bound(inner: ObjectStore): ObjectStore {
  return {
    name: inner.name,
    putIfAbsent: inner.putIfAbsent.bind(inner),
    upload: inner.upload.bind(inner),
    read: inner.read.bind(inner),
    stream: inner.stream.bind(inner),
    size: inner.size.bind(inner),
    list: inner.list.bind(inner),
    delete: inner.delete.bind(inner),
    close: inner.close.bind(inner),
  };
}
