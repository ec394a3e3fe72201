/** A segment of the log: bytes that hold one commit and prove where it belongs. docs/format.md describes them. */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import { messageOf } from '../../base/lifetime.ts';
import { CatalogFault } from '../fault.ts';
import type { LogRecord } from './record.ts';
import { decodeRecords, encodeRecords } from './record.ts';

interface SegmentHeader {
  /** Version of this format. */
  readonly v: number;
  readonly domain: string;
  /** The slot: 1, 2, 3 … */
  readonly n: number;
  /** SHA-256 of all bytes of segment n-1; zeros before the first. */
  readonly prev: string;
  /** The number of the first change; the others follow on. */
  readonly firstRV: number;
  readonly count: number;
  /** Random: tells a writer which segment is its own. */
  readonly attempt: string;
  readonly writer: { readonly replica: string; readonly boot: string };
  /** When it was sealed, by the writer's clock. Never used for order. */
  readonly time: string;
  readonly features: Features;
  /** Digest of the state after segment n-1. */
  readonly digest: string;
  readonly comp: 'deflate-raw';
  /** Bytes of the body before compression. */
  readonly rawLen: number;
  /** SHA-256 of the body as it is stored. */
  readonly sha256: string;
}

/** Names of what a program must know, from this segment on, to read the log or to add to it. */
export interface Features {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

export interface Segment {
  readonly header: SegmentHeader;
  readonly records: readonly LogRecord[];
  readonly bytes: Uint8Array;
  /** SHA-256 of all bytes. */
  readonly hash: string;
}

export type SegmentDraft = Omit<SegmentHeader, 'v' | 'comp' | 'count' | 'rawLen' | 'sha256'>;

const magic = Buffer.from('KYL1');
const version = 1;
const hashBytes = 32;
const prefixBytes = magic.length + 4 + hashBytes;
/** Far more than a commit may hold: a bound on what a broken header can make us inflate. */
const mostRawBytes = 256 * 1024 * 1024;

/** Bodies up to so many bytes are compressed at once: quicker than the way to another thread and back. */
const mostAtOnce = 64 * 1024;
/**
 * Up to so many, as of a change or two, they are kept as they are: to compress them takes longer than all else that a segment needs, and
 * a put costs as much as it costs to keep them for years.
 */
const mostStored = 4 * 1024;
/** More than a body has, so that zlib sees its end without asking for more room; 64 is the least that it takes. */
const spareBytes = 64;
const deflateAside = promisify(deflateRaw);
const inflateAside = promisify(inflateRaw);

export async function sealSegment(draft: SegmentDraft, records: readonly LogRecord[]): Promise<Segment> {
  const raw = Buffer.from(encodeRecords(records));
  const body = await bodyOf(raw);
  const parts = { v: version, comp: 'deflate-raw' as const, count: records.length, rawLen: raw.length, sha256: sha256(body) };
  const header = { ...draft, ...parts };
  const text = Buffer.from(canonical(header));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const bytes = Buffer.concat([magic, length, hash('sha256', text, 'buffer'), text, body]);
  return { header, records, bytes, hash: sha256(bytes) };
}

async function bodyOf(raw: Buffer): Promise<Buffer> {
  if (raw.length <= mostStored) return storedBlock(raw);
  return raw.length <= mostAtOnce ? deflateRawSync(raw, { level: 1 }) : deflateAside(raw, { level: 1 });
}

/** As deflate keeps what it does not compress: RFC 1951, 3.2.4. */
function storedBlock(raw: Buffer): Buffer {
  const start = Buffer.alloc(5);
  start.writeUInt8(1);
  start.writeUInt16LE(raw.length, 1);
  start.writeUInt16LE(raw.length ^ 0xffff, 3);
  return Buffer.concat([start, raw]);
}

/** Checks all that a segment can prove alone, and that it is what stands at `place`. Throws a CatalogFault that names `object`. */
export async function openSegment(
  bytes: Uint8Array,
  object: string,
  place: { readonly domain: string; readonly n: number },
): Promise<Segment> {
  const fail = (fault: string): never => {
    throw new CatalogFault(object, fault);
  };
  const { header, body } = split(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), fail);
  if (header.v !== version) fail(`has version ${header.v} of the format, known is ${version}`);
  const unknown = unknownOf(header.features.read);
  if (unknown.length > 0) fail(`needs features that this version of Kylon does not know: ${unknown.join(', ')}`);
  if (header.domain !== place.domain) fail(`belongs to domain ${header.domain}, not ${place.domain}`);
  if (header.n !== place.n) fail(`is segment ${header.n}, not ${place.n}`);
  if (header.sha256 !== sha256(body)) fail('is damaged: its body does not have the hash that its header names');
  const records = await recordsOf(header, body).catch((error: unknown) => fail(`cannot be read: ${messageOf(error)}`));
  return { header, records, bytes, hash: sha256(bytes) };
}

export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** Which of the features are not known here. So far there are none. */
export function unknownOf(features: readonly string[]): readonly string[] {
  return features;
}

function split(bytes: Buffer, fail: (fault: string) => never): { readonly header: SegmentHeader; readonly body: Buffer } {
  if (!bytes.subarray(0, magic.length).equals(magic)) fail(`is not a segment: it does not begin with ${magic.toString()}`);
  if (bytes.length < prefixBytes) fail('is cut off in its first bytes');
  const bodyStart = prefixBytes + bytes.readUInt32BE(magic.length);
  if (bytes.length < bodyStart) fail('is cut off in its header, or its length is damaged');
  const text = bytes.subarray(prefixBytes, bodyStart);
  const found = hash('sha256', text, 'buffer');
  if (!found.equals(bytes.subarray(prefixBytes - hashBytes, prefixBytes))) fail('is damaged: its header does not have the hash before it');
  return { header: parseHeader(text.toString()) ?? fail('has a header that is not of this format'), body: bytes.subarray(bodyStart) };
}

/** Its hash was right, so a writer meant it; only what is used before the version is known is looked at. */
function parseHeader(text: string): SegmentHeader | undefined {
  try {
    const header = JSON.parse(text) as SegmentHeader;
    return Array.isArray(header.features.read) && Array.isArray(header.features.write) ? header : undefined;
  } catch {
    return undefined;
  }
}

async function recordsOf(header: SegmentHeader, body: Buffer): Promise<readonly LogRecord[]> {
  if (header.comp !== 'deflate-raw') throw new Error(`its compression is ${String(header.comp)}`);
  if (!(header.rawLen <= mostRawBytes)) throw new Error(`it claims to hold ${header.rawLen} bytes`);
  const limit = { maxOutputLength: Math.max(header.rawLen, 1) };
  const raw =
    header.rawLen <= mostAtOnce
      ? inflateRawSync(body, { ...limit, chunkSize: header.rawLen + spareBytes })
      : await inflateAside(body, limit);
  if (raw.length !== header.rawLen) throw new Error(`it holds ${raw.length} bytes, not ${header.rawLen}`);
  const records = decodeRecords(raw.toString());
  if (records.length !== header.count) throw new Error(`it holds ${records.length} changes, not ${header.count}`);
  return records;
}

/** JSON with the members of every object in the order of their names, without spaces. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
