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
  /** What it expands to. */
  readonly raw: Buffer;
}

/** Bytes that are of no member that can be read. */
export interface Gap {
  readonly offset: number;
  readonly length: number;
  readonly raw?: undefined;
}

/** As members are written: by deflate, with no name or comment. */
const start = Buffer.from([0x1f, 0x8b, 8, 0]);
const headerBytes = 10;
/** Checksum, and length of what it expands to. */
const trailerBytes = 8;
/** Of a member, and of what it expands to: a Kubernetes object has 3 MiB at most. */
const largestMember = 16 << 20;
/** What is read at once, and what is passed over where that cannot be read. */
const windowBytes = 4 << 20;
const leastBytes = 64 << 10;

/** Rejects with a StoreError where the store does not answer. */
export async function* membersIn(archive: StoredFile, signal: AbortSignal): AsyncGenerator<FoundMember | Gap> {
  const window = new Window(archive, signal);
  let gap = 0;
  let at = 0;
  while (at < archive.bytes) {
    const found = await memberAt(window, at);
    if (!found) {
      at = await nextStart(window, at + 1);
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

  constructor(archive: StoredFile, signal: AbortSignal) {
    this.#archive = archive;
    this.#signal = signal;
  }

  /** From there on at least `wanted` bytes, or up to the end; fewer, and perhaps none, where the rest cannot be read. */
  async from(at: number, wanted: number): Promise<Buffer> {
    const isHeld = at >= this.#start && Math.min(at + wanted, this.#archive.bytes) <= this.#start + this.#bytes.length;
    if (!isHeld) this.#bytes = await this.#read((this.#start = at), wanted);
    return this.#bytes.subarray(at - this.#start);
  }

  /** The end of the archive counts as what can be passed over: nothing is behind it. */
  clip(at: number): number {
    return Math.min(at, this.#archive.bytes);
  }

  async #read(at: number, wanted: number): Promise<Buffer> {
    const left = this.#archive.bytes - at;
    for (const length of [Math.max(wanted, windowBytes), leastBytes]) {
      const bytes = await this.#archive.read(at, Math.min(length, left), this.#signal).catch(unlessDamaged);
      if (bytes) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return Buffer.alloc(0);
  }
}

function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof ArchiveDamaged)) throw error;
}

/** Undefined where none begins, or none that is whole. */
async function memberAt(window: Window, offset: number): Promise<FoundMember | undefined> {
  for (let wanted = leastBytes; wanted <= largestMember; wanted *= 4) {
    const bytes = await window.from(offset, wanted);
    const found = bytes.subarray(0, start.length).equals(start) ? await expanded(bytes) : undefined;
    if (found !== 'more') return found && { offset, ...found };
    if (bytes.length < wanted) return undefined;
  }
  return undefined;
}

async function nextStart(window: Window, from: number): Promise<number> {
  const bytes = await window.from(from, leastBytes);
  const found = bytes.indexOf(start);
  if (found >= 0) return window.clip(from + found);
  return window.clip(from + Math.max(bytes.length - start.length + 1, bytes.length === 0 ? leastBytes : 1));
}

/** `more` where the bytes end before it does. */
async function expanded(bytes: Buffer): Promise<Omit<FoundMember, 'offset'> | 'more' | undefined> {
  const inflated = await inflate(bytes.subarray(headerBytes));
  if (typeof inflated !== 'object') return inflated;
  const end = headerBytes + inflated.engine.bytesWritten;
  if (bytes.length < end + trailerBytes) return 'more';
  const raw = inflated.buffer;
  const isWhole = bytes.readUInt32LE(end) === crc32(raw) && bytes.readUInt32LE(end + 4) === raw.length;
  return isWhole ? { length: end + trailerBytes, raw } : undefined;
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
