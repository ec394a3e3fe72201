/**
 * Finds the gzip members of an archive without its items file, from the first byte to the last. What is none is passed over, up to where the next one
 * begins. https://www.rfc-editor.org/rfc/rfc1952
 */
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import type { Zlib } from 'node:zlib';
import { ArchiveDamaged } from './archive.ts';
import { chunkSize } from './compressor.ts';
import type { StoredFile } from './stored-file.ts';

export interface FoundMember {
  readonly offset: number;
  readonly length: number;
  /** With what it begins, in hexadecimal digits: one archive has the same for all. */
  readonly header: string;
  /** What it expands to. */
  readonly raw: Buffer;
}

/** Bytes that are of no member that can be read. */
export interface Gap {
  readonly offset: number;
  readonly length: number;
  readonly header?: undefined;
  readonly raw?: undefined;
}

/** Of the header: with what all begin, and then, in the place of a time, the mark by which those of one archive know each other. */
const start = Buffer.from([0x1f, 0x8b, 8, 0]);
export const markAt = start.length;
export const markBytes = 4;
const headerBytes = 10;
/** Checksum, and length of what it expands to. */
const trailerBytes = 8;
/** Of a member, and of what it expands to: a Kubernetes object has 3 MiB at most. */
const largestMember = 16 << 20;
const windowBytes = 4 << 20;
/** What is read, or passed over, at once where something cannot be read: the chunks of an encrypted store begin at its multiples. */
const leastBytes = 64 << 10;

/**
 * Behind a gap only those with the mark of the archive: content may hold what looks like a member, which comes to light where the one around it is damaged.
 * Rejects with a StoreError where the store does not answer.
 */
export async function* membersIn(archive: StoredFile, signal: AbortSignal): AsyncGenerator<FoundMember | Gap> {
  const known = new Headers();
  let header: Buffer | undefined;
  const behindGap = async () => (header ??= known.most ?? (await lastHeader(archive, signal)));
  for await (const found of walk(archive, behindGap, signal)) {
    if (found.raw) known.add(found);
    yield found;
  }
}

/** For an archive whose beginning cannot be read: that of the member with which it ends, else that of most of it. */
async function lastHeader(archive: StoredFile, signal: AbortSignal): Promise<Buffer> {
  const known = new Headers();
  for await (const found of walk(archive, async () => start, signal)) {
    if (!found.raw) continue;
    if (found.offset + found.length === archive.bytes) return Buffer.from(found.header, 'hex');
    known.add(found);
  }
  return known.most ?? start;
}

class Headers {
  /** Bytes of members, by how they begin. */
  readonly #bytes = new Map<string, number>();

  add({ header, length }: FoundMember): void {
    this.#bytes.set(header, (this.#bytes.get(header) ?? 0) + length);
  }

  get most(): Buffer | undefined {
    const [most] = [...this.#bytes].sort(([, one], [, other]) => other - one);
    return most && Buffer.from(most[0], 'hex');
  }
}

/** `behindGap`: with what a member begins that follows bytes which are none. */
async function* walk(archive: StoredFile, behindGap: () => Promise<Buffer>, signal: AbortSignal): AsyncGenerator<FoundMember | Gap> {
  const window = new Window(archive, signal);
  let gap = 0;
  let at = 0;
  while (at < archive.bytes) {
    signal.throwIfAborted();
    const found = await memberAt(window, at, gap === at ? start : await behindGap());
    if (!found) {
      at = await nextStart(window, at + 1, await behindGap());
      continue;
    }
    if (gap < at) yield { offset: gap, length: at - gap };
    yield found;
    gap = at += found.length;
  }
  if (gap < at) yield { offset: gap, length: at - gap };
}

/** The part of the archive that is in memory. */
class Window {
  readonly #archive: StoredFile;
  readonly #signal: AbortSignal;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Whether what follows it cannot be read. */
  #isCut = false;

  constructor(archive: StoredFile, signal: AbortSignal) {
    this.#archive = archive;
    this.#signal = signal;
  }

  /** From there on at least `wanted` bytes, or up to the end; fewer, and perhaps none, where the rest cannot be read. */
  async from(at: number, wanted: number): Promise<Buffer> {
    const end = this.#start + this.#bytes.length;
    const isEnough = this.clip(at + wanted) <= end || (this.#isCut && at < end);
    if (at < this.#start || !isEnough) await this.#move(at, Math.max(wanted, windowBytes));
    return this.#bytes.subarray(at - this.#start);
  }

  clip(at: number): number {
    return Math.min(at, this.#archive.bytes);
  }

  async #move(at: number, wanted: number): Promise<void> {
    const end = this.clip(at + wanted);
    const wasCut = this.#isCut;
    const whole = wasCut ? undefined : await this.#read(at, end);
    this.#start = at;
    this.#isCut = !whole;
    this.#bytes = whole ?? (await this.#readUpToDamage(at, end));
    if (wasCut && this.#bytes.length === end - at) this.#isCut = false;
  }

  async #readUpToDamage(from: number, end: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = from; at < end; at = nextMultiple(at)) {
      const piece = await this.#read(at, Math.min(nextMultiple(at), end));
      if (!piece) break;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  async #read(at: number, end: number): Promise<Buffer | undefined> {
    try {
      const bytes = await this.#archive.read(at, end - at, this.#signal);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    } catch (error) {
      if (error instanceof ArchiveDamaged) return undefined;
      throw error;
    }
  }
}

const nextMultiple = (at: number) => (Math.floor(at / leastBytes) + 1) * leastBytes;

/** Undefined where none begins, or none that is whole. */
async function memberAt(window: Window, offset: number, header: Buffer): Promise<FoundMember | undefined> {
  for (let wanted = leastBytes; wanted <= largestMember; wanted *= 4) {
    const bytes = await window.from(offset, wanted);
    const found = bytes.subarray(0, header.length).equals(header) ? await expanded(bytes) : undefined;
    if (found !== 'more') return found && { offset, ...found };
    if (bytes.length < wanted) return undefined;
  }
  return undefined;
}

async function nextStart(window: Window, from: number, header: Buffer): Promise<number> {
  const bytes = await window.from(from, leastBytes);
  if (bytes.length === 0) return window.clip(nextMultiple(from));
  const found = bytes.indexOf(header);
  return window.clip(from + (found >= 0 ? found : Math.max(bytes.length - header.length + 1, 1)));
}

/** `more` where the bytes end before it does. */
async function expanded(bytes: Buffer): Promise<Omit<FoundMember, 'offset'> | 'more' | undefined> {
  const inflated = await inflate(bytes.subarray(headerBytes));
  if (typeof inflated !== 'object') return inflated;
  const end = headerBytes + inflated.engine.bytesWritten;
  if (bytes.length < end + trailerBytes) return 'more';
  const raw = inflated.buffer;
  const isWhole = bytes.readUInt32LE(end) === crc32(raw) && bytes.readUInt32LE(end + 4) === raw.length;
  const header = bytes.toString('hex', 0, headerBytes);
  return isWhole ? { length: end + trailerBytes, header, raw } : undefined;
}

interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: how many bytes it has taken. */
  readonly engine: Zlib;
}

const inflateAsync = promisify(inflateRaw) as unknown as (bytes: Uint8Array, options: object) => Promise<Inflated>;

async function inflate(bytes: Buffer): Promise<Inflated | 'more' | undefined> {
  try {
    return await inflateAsync(bytes, { info: true, chunkSize, maxOutputLength: largestMember });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR' ? 'more' : undefined;
  }
}
