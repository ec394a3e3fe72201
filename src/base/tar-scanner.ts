/**
 * Finds the entries of a tar file in its bytes, however those come in pieces: as GNU tar, busybox and PAX write them.
 * https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
import type { TarEntry, TarType } from './tar.ts';
import { paddingOf } from './tar.ts';

export interface ScannedEntry extends TarEntry {
  /** Offset in the tar file of its first header, which may be one that only adds to it. */
  readonly start: number;
  /** Offset of its content. */
  readonly at: number;
}

export interface TarTaker {
  readonly entry: (entry: ScannedEntry) => void;
  /** A part of the content of the entry that was told last. */
  readonly content?: (bytes: Uint8Array) => void;
}

/** These bytes are no tar file, or one of a kind that is not read. */
export class TarFault extends Error {
  override readonly name = 'TarFault';
}

const blockBytes = 512;
/** Of all that is told in front of one header: names, and PAX records. Each of them comes whole into memory. */
const longestExtension = 2 << 20;

/** Bytes with which a program fills its last record: tar writes 10 KiB at once, or what it is told by -b. */
const longestEnd = 1 << 20;

const types: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'chardev',
  '4': 'dev',
  '5': 'dir',
  '6': 'fifo',
  '7': 'file',
};

/** What stands in front of an entry and adds to its header. */
interface Extension {
  path?: Buffer;
  target?: Buffer;
  /** Bytes of it. */
  bytes: number;
  /** PAX records that are looked at, by their keys. */
  readonly records: Map<string, Buffer>;
}

const lookedAt = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'uname', 'gname', 'mtime']);

export class TarScanner {
  readonly #taker: TarTaker;
  #offset = 0;
  /** What is gathered until it is whole: a header, or an extension. */
  #pending = Buffer.allocUnsafe(blockBytes);
  #gathered = 0;
  /** The kind of extension that is gathered; undefined while a header is. */
  #kind: string | undefined;
  #extension: Extension = { bytes: 0, records: new Map() };
  /** Of the extensions that are gathered; undefined while there are none. */
  #start: number | undefined;
  /** Bytes of content, and of padding behind it, that are still to come. */
  #content = 0;
  #padding = 0;
  /** Empty blocks one after the other; two of them end the file. */
  #empty = 0;
  /** Bytes that have come after these. */
  #behind = 0;

  constructor(taker: TarTaker) {
    this.#taker = taker;
  }

  /** Throws TarFault. */
  push(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length && !this.isEnded) {
      const taken = this.#content + this.#padding > 0 ? this.#pass(piece.subarray(at)) : this.#gather(piece.subarray(at));
      at += taken;
      this.#offset += taken;
    }
    this.#behind += piece.length - at;
    if (this.#behind > longestEnd) throw new TarFault(`it goes on for ${this.#behind} bytes behind its end`);
  }

  /** Whether the two empty blocks have come that end a tar file. */
  get isEnded(): boolean {
    return this.#empty >= 2;
  }

  /** Bytes that were taken so far: once it is ended, up to where it ends. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether no entry has begun that is not whole. */
  get isBetween(): boolean {
    return this.#content + this.#padding + this.#gathered === 0 && this.#kind === undefined && this.#start === undefined;
  }

  /** Throws TarFault where they have not. */
  end(): void {
    if (!this.isEnded) throw new TarFault(`it ends after ${this.#offset} bytes, before the end of the archive`);
  }

  /** How many bytes were taken. */
  #pass(bytes: Uint8Array): number {
    const content = bytes.subarray(0, this.#content);
    const padding = Math.min(this.#padding, bytes.length - content.length);
    this.#content -= content.length;
    this.#padding -= padding;
    if (content.length > 0) this.#taker.content?.(content);
    return content.length + padding;
  }

  #gather(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.#pending.length - this.#gathered);
    this.#pending.set(taken, this.#gathered);
    this.#gathered += taken.length;
    if (this.#gathered === this.#pending.length) this.#complete(this.#pending, this.#offset + taken.length);
    return taken.length;
  }

  #complete(bytes: Buffer, end: number): void {
    const kind = this.#kind;
    this.#expect(blockBytes, undefined);
    if (kind !== undefined) this.#extend(kind, bytes);
    else if (bytes.every((byte) => byte === 0)) this.#empty++;
    else this.#begin(bytes, end);
  }

  #expect(bytes: number, kind: string | undefined): void {
    this.#pending = Buffer.allocUnsafe(bytes);
    this.#gathered = 0;
    this.#kind = kind;
  }

  #begin(header: Buffer, end: number): void {
    if (sumOf(header) !== numberAt(header, 148, 8)) throw new TarFault(`at ${end - blockBytes}: a header has another checksum`);
    if (this.#empty > 0) throw new TarFault(`at ${end - blockBytes}: a header behind an empty block`);
    const kind = String.fromCharCode(header[156] ?? 0);
    const size = numberAt(header, 124, 12);
    if (size < 0) throw new TarFault(`at ${end - blockBytes}: a header with a size of ${size} bytes`);
    if ('LKxg'.includes(kind)) {
      this.#extension.bytes += size + paddingOf(size);
      if (size === 0 || this.#extension.bytes > longestExtension)
        throw new TarFault(`at ${end - blockBytes}: headers of ${this.#extension.bytes} bytes more`);
      this.#start ??= end - blockBytes;
      this.#expect(size + paddingOf(size), `${kind}${size}`);
    } else this.#tell(header, kind, size, this.#start ?? end - blockBytes, end);
  }

  /** `kind`: the type of the header, and how long it is without padding. */
  #extend(kind: string, bytes: Buffer): void {
    const content = bytes.subarray(0, Number(kind.slice(1)));
    if (kind.startsWith('L')) this.#extension.path = untilNul(content);
    else if (kind.startsWith('K')) this.#extension.target = untilNul(content);
    else if (kind.startsWith('x')) for (const record of recordsIn(content)) this.#note(record);
  }

  #note([key, value]: PaxRecord): void {
    if (key.startsWith('GNU.sparse.')) throw unread();
    if (lookedAt.has(key)) this.#extension.records.set(key, value);
  }

  #tell(header: Buffer, kind: string, size: number, start: number, at: number): void {
    const entry = entryOf(header, kind, size, this.#extension);
    this.#extension = { bytes: 0, records: new Map() };
    this.#start = undefined;
    this.#content = entry.size;
    this.#padding = paddingOf(entry.size);
    this.#taker.entry({ ...entry, start, at });
  }
}

const unread = () => new TarFault('an entry of a kind that is not read');

function entryOf(header: Buffer, kind: string, size: number, extension: Extension): TarEntry {
  const { records } = extension;
  const known = types[kind];
  if (!known) throw unread();
  const path = records.get('path') ?? extension.path ?? nameIn(header);
  const type = known === 'file' && path.at(-1) === 0x2f ? 'dir' : known;
  return {
    path,
    type,
    size: type === 'file' ? numberIn(records.get('size'), size) : 0,
    mode: numberAt(header, 100, 8) & 0o7777,
    ...ownerIn(header, records),
    modified: modifiedIn(records.get('mtime')) ?? numberAt(header, 136, 12) * 1000,
    ...linkIn(header, type, extension),
  };
}

function ownerIn(header: Buffer, records: Extension['records']): Pick<TarEntry, 'uid' | 'gid' | 'user' | 'group'> {
  return {
    uid: numberIn(records.get('uid'), numberAt(header, 108, 8)),
    gid: numberIn(records.get('gid'), numberAt(header, 116, 8)),
    user: (records.get('uname') ?? fieldAt(header, 265, 32)).toString(),
    group: (records.get('gname') ?? fieldAt(header, 297, 32)).toString(),
  };
}

/** What only some types have. */
function linkIn(header: Buffer, type: TarType, { target, records }: Extension): Pick<TarEntry, 'target' | 'device'> {
  if (type === 'link' || type === 'symlink') return { target: records.get('linkpath') ?? target ?? fieldAt(header, 157, 100) };
  if (type !== 'dev' && type !== 'chardev') return {};
  return { device: { major: numberAt(header, 329, 8), minor: numberAt(header, 337, 8) } };
}

/** Only ustar has a prefix; GNU tar has other things there. */
function nameIn(header: Buffer): Buffer {
  const name = fieldAt(header, 0, 100);
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? fieldAt(header, 345, 155) : Buffer.alloc(0);
  return prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name;
}

const fieldAt = (header: Buffer, start: number, length: number) => untilNul(header.subarray(start, start + length));

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** Octal digits, or where those do not suffice the bytes of the number behind a set bit. */
function numberAt(header: Buffer, start: number, length: number): number {
  const bytes = header.subarray(start, start + length);
  if (((bytes[0] ?? 0) & 0x80) !== 0) return binary(bytes);
  const digits = untilNul(bytes).toString('latin1').trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarFault('a header has a number that is none');
  return parseInt(digits || '0', 8);
}

function binary(bytes: Buffer): number {
  const isNegative = bytes[0] === 0xff;
  let value = 0;
  for (const [index, byte] of bytes.entries()) value = value * 256 + (index === 0 ? byte & (isNegative ? 0xff : 0x7f) : byte);
  const number = isNegative ? value - 256 ** bytes.length : value;
  if (!isNegative && !Number.isSafeInteger(number)) throw new TarFault('a header has a number that is too large');
  return number;
}

function numberIn(value: Buffer | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const text = value.toString('latin1');
  if (!/^\d{1,15}$/.test(text)) throw new TarFault('a PAX record has a number that is none');
  return Number(text);
}

/** Milliseconds. */
function modifiedIn(value: Buffer | undefined): number | undefined {
  const seconds = value === undefined ? undefined : Number(value.toString('latin1'));
  return seconds === undefined || !Number.isFinite(seconds) ? undefined : Math.floor(seconds * 1000);
}

type PaxRecord = [key: string, value: Buffer];

/** `LENGTH KEY=VALUE\n`, one after the other. */
function* recordsIn(bytes: Buffer): Generator<PaxRecord> {
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + length;
    if (space < 0 || equals < 0 || !Number.isSafeInteger(length) || equals >= end || end > bytes.length)
      throw new TarFault('a PAX header has a record that is none');
    yield [bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1)];
    at = end;
  }
}

/** Spaces stand for the checksum itself. */
function sumOf(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += at >= 148 && at < 156 ? 0x20 : (header[at] ?? 0);
  return sum;
}
