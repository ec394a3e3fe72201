/** What is read of tar files that others write: our own two ways, and the real programs of this machine. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, linkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TarFault, TarScanner } from '../../src/base/tar-scanner.ts';
import type { ScannedEntry } from '../../src/base/tar-scanner.ts';
import { endOfTar, gnuEntry, paddingOf, tarEntry } from '../../src/base/tar.ts';
import type { TarEntry, TarType } from '../../src/base/tar.ts';

interface Found extends ScannedEntry {
  content: Buffer;
}

function scan(bytes: Uint8Array, pieceBytes = bytes.length): Found[] {
  const found: Found[] = [];
  const scanner = new TarScanner({
    entry: (entry) => found.push({ ...entry, content: Buffer.alloc(0) }),
    content: (part) => {
      const last = found.at(-1)!;
      last.content = Buffer.concat([last.content, part]);
    },
  });
  for (let at = 0; at < bytes.length; at += pieceBytes) scanner.push(bytes.subarray(at, at + pieceBytes));
  scanner.end();
  return found;
}

const nameByte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f);
const path = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 120 }).map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 1 : byte))),
  {
    minLength: 1,
    maxLength: 4,
  },
);
const target = fc.array(nameByte, { minLength: 1, maxLength: 200 }).map((bytes) => Uint8Array.from(bytes));
const types: readonly TarType[] = ['file', 'dir', 'symlink', 'link', 'fifo', 'dev', 'chardev'];

const entry = fc
  .record({
    parts: path,
    type: fc.constantFrom(...types),
    content: fc.uint8Array({ maxLength: 1500 }),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.oneof(fc.nat(70_000), fc.integer({ min: 2_097_152, max: 4_294_967_295 })),
    gid: fc.nat(70_000),
    seconds: fc.nat(4_000_000_000),
    target,
    device: fc.record({ major: fc.nat(4095), minor: fc.nat(1_048_575) }),
  })
  .map(({ parts, type, content, seconds, target, device, ...rest }): { entry: TarEntry; content: Uint8Array } => {
    const isFile = type === 'file';
    const joined = Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from('/'), part])));
    const data = isFile ? content : new Uint8Array();
    return {
      entry: {
        ...rest,
        path: type === 'dir' ? Buffer.concat([joined, Buffer.from('/')]) : joined,
        type,
        size: data.length,
        user: '',
        group: '',
        modified: seconds * 1000,
        ...((type === 'link' || type === 'symlink') && { target }),
        ...((type === 'dev' || type === 'chardev') && { device }),
      },
      content: data,
    };
  });

function written(entries: readonly { entry: TarEntry; content: Uint8Array }[], write: (entry: TarEntry) => Buffer): Buffer {
  const parts = entries.flatMap(({ entry, content }) => [write(entry), content, new Uint8Array(paddingOf(content.length))]);
  return Buffer.concat([...parts, endOfTar]);
}

describe('a tar file that is read', () => {
  it.each([
    ['PAX', tarEntry],
    ['GNU tar', gnuEntry],
  ])('is what was written in the words of %s, in pieces of any size', (_, write) => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), (entries, pieceBytes) => {
        const bytes = written(entries, write);
        const found = scan(bytes, pieceBytes);
        expect(found.map(plain)).toEqual(entries.map(({ entry }) => plain(entry)));
        for (const [index, { content }] of entries.entries()) {
          const { at, start, content: seen } = found[index]!;
          expect(Buffer.compare(seen, content)).toBe(0);
          expect(Buffer.compare(bytes.subarray(at, at + content.length), content)).toBe(0);
          // From its first header on it can be read without what is in front.
          expect(plain(scan(bytes.subarray(start))[0]!)).toMatchObject(plain(entries[index]!.entry));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is refused wherever it is cut', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 3 }), fc.double({ min: 0, max: 1, noNaN: true }), (entries, part) => {
        const bytes = written(entries, gnuEntry);
        const cut = bytes.subarray(0, Math.floor((bytes.length - 1) * part));
        expect(() => scan(cut, 512)).toThrow(TarFault);
      }),
    );
  });

  it('never ends in anything but an entry or a TarFault, whatever the bytes', () => {
    const damaged = fc.tuple(
      fc.array(entry, { minLength: 1, maxLength: 2 }),
      fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    );
    fc.assert(
      fc.property(damaged, ([entries, changes]) => {
        const bytes = written(entries, tarEntry);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        try {
          scan(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(TarFault);
        }
      }),
    );
  });

  it.each([['x'], ['g'], ['L'], ['K']])('is refused where more and more headers of the type %s come before an entry', (type) => {
    const one = extension(type, paxComment(1 << 19));
    expect(scan(Buffer.concat([one, one, one, plainFile, one, one, one, plainFile, endOfTar]))).toHaveLength(2);
    const scanner = new TarScanner({ entry: () => {} });
    const more = () => {
      for (let times = 0; times < 100; times++) scanner.push(one);
    };
    expect(more).toThrow(/^at \d+: headers of \d+ bytes more$/);
    expect(() => scan(extension('x', Buffer.alloc(1 << 20), 2 ** 53 - 1))).toThrow(TarFault);
  });

  it('may fill its last record, and is refused where it goes on behind its end', () => {
    const scanner = new TarScanner({ entry: () => {} });
    scanner.push(Buffer.alloc(1 << 20));
    expect(scanner.isEnded).toBe(true);
    expect(() => scanner.push(Buffer.alloc(1 << 20))).toThrow(/^it goes on for \d+ bytes behind its end$/);
  });

  it.each([['x'], ['L'], ['0']])('is refused where a header of the type %s has a size below nothing', (type) => {
    const scanner = new TarScanner({ entry: () => {} });
    expect(() => scanner.push(extension(type, Buffer.alloc(1 << 16), -(2 ** 50)))).toThrow(TarFault);
  });

  it('is refused where a file of holes is in it, as PAX has them', () => {
    const record = Buffer.from('22 GNU.sparse.major=1\n');
    expect(() => scan(Buffer.concat([extension('x', record), plainFile, endOfTar]))).toThrow('of a kind that is not read');
  });

  it.each([['gnu'], ['posix'], ['ustar']])('is understood where the tar of this machine has written it as %s', (format) => {
    const root = oddTree();
    const found = scan(execFileSync('tar', ['--format', format, '-C', root, '-cf', '-', '.'], { maxBuffer: 64 << 20 }));
    const byPath = new Map(found.map((one) => [Buffer.from(one.path).toString('latin1'), one]));
    expect(byPath.get('./')?.type).toBe('dir');
    expect(byPath.get('./-rf')?.content.toString()).toBe('dash');
    expect(byPath.get('./line\nbreak')?.content.toString()).toBe('two lines');
    expect(byPath.get('./caf\xe9')?.content.toString()).toBe('latin');
    expect(byPath.get(`./${longFolder}/file`)?.content.toString()).toBe('deep');
    expect(byPath.get('./link')).toMatchObject({ type: 'symlink', target: Buffer.from('/etc/passwd') });
    const pair = ['./hard', './-rf'].map((name) => byPath.get(name)?.type);
    expect(new Set(pair)).toEqual(new Set(['file', 'link']));
    expect(byPath.get('./sparse')?.size).toBe(100_000);
    expect(byPath.get('./empty')).toMatchObject({ type: 'file', size: 0, modified: 1_000_000_000_000 });
  });
});

const plainFile = gnuEntry({ path: Buffer.from('a'), type: 'file', size: 0, mode: 0, uid: 0, gid: 0, user: '', group: '', modified: 0 });

/** A header that stands in front of another one; `size` is what it says of itself, in the binary numbers of GNU tar. */
function extension(type: string, content: Buffer, size = content.length): Buffer {
  const header = Buffer.from(plainFile);
  header.write(type, 156);
  header.fill(size < 0 ? 0xff : 0, 124, 136);
  header[124] = size < 0 ? 0xff : 0x80;
  header.writeBigInt64BE(BigInt(size), 128);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(paddingOf(content.length))]);
}

/** A record of so many bytes. */
const paxComment = (bytes: number) => Buffer.from(`${bytes} comment=`.padEnd(bytes - 1, 'x') + '\n');

/** ustar has no more than 255 bytes for a path. */
const longFolder = `${'a'.repeat(90)}/${'b'.repeat(90)}`;

function oddTree(): string {
  const root = mkdtempSync(join(tmpdir(), 'kylon-tar-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, longFolder), { recursive: true });
  writeFileSync(join(root, longFolder, 'file'), 'deep');
  writeFileSync(join(root, '-rf'), 'dash');
  writeFileSync(join(root, 'line\nbreak'), 'two lines');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), 'latin');
  writeFileSync(join(root, 'empty'), '');
  utimesSync(join(root, 'empty'), 1e9, 1e9);
  writeFileSync(join(root, 'sparse'), 'x');
  truncateSync(join(root, 'sparse'), 100_000);
  symlinkSync('/etc/passwd', join(root, 'link'));
  linkSync(join(root, '-rf'), join(root, 'hard'));
  return root;
}

/** Comparable, and without what only a test knows. */
const plain = ({ path, target, ...rest }: TarEntry) => {
  const { start: _, at: __, content: ___, ...entry } = rest as Partial<Found>;
  return { ...entry, path: Buffer.from(path).toString('latin1'), ...(target && { target: Buffer.from(target).toString('latin1') }) };
};
