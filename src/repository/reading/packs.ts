/** Reads blobs out of packs: neighbours in one request, each proved by its SHA-256; one that is damaged from another pack that has it too. */
import { hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { together } from '../../base/lifetime.ts';
import { StoreDamaged, StoreRange } from '../../objectstore/objectstore.ts';
import type { Place } from './places.ts';
import { unseal } from './sealed.ts';
import { asDamage } from './stored-files.ts';
import type { Location } from './stored-files.ts';

/** Where a blob lies, and what it has to be. */
export interface Blob {
  /** SHA-256 of what is in it. */
  readonly id: Uint8Array;
  readonly place: Place;
}

/** Of what is read. */
interface Source {
  readonly location: Location;
  readonly key: KeyObject;
  /** All places of the blob with this id. */
  readonly placesOf: (id: Uint8Array) => Iterable<Place>;
}

/** One request: blobs of a pack, in order of offset. */
interface Span {
  readonly pack: string;
  readonly start: number;
  end: number;
  readonly blobs: Blob[];
}

/** Between two blobs, that are read rather than asked for in two requests. */
const widestGap = 64 << 10;
const longestSpan = 4 << 20;
const requestsAtOnce = 4;

/** Of other places of a damaged blob that are tried: whoever may write to a repository can name any number. */
const mostTried = 100;

/** Expanded, in bytes: another thread would take longer for less than this. */
const smallBlob = 64 << 10;

/** Smaller ones are not taken. */
const leastChunk = 64;

const expand = promisify(zstdDecompress);

/**
 * Each by its place; the same place is read once. All of it is in memory: whoever asks says how much. Rejects with StoreDamaged for what
 * is missing, or is not what was written, in each of its places.
 */
export async function readBlobs(
  { location, key, placesOf }: Source,
  blobs: readonly Blob[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Buffer>> {
  const source = { location, key, placesOf };
  const read = new Map<string, Buffer>();
  const next = spansOf(blobs)[Symbol.iterator]();
  const readAll = async (signal: AbortSignal) => {
    for (let span = next.next(); !span.done; span = next.next()) await readSpan(source, span.value, read, signal);
  };
  await together(
    signal,
    Array.from({ length: requestsAtOnce }, () => readAll),
  );
  return read;
}

/** Tells one place from another. */
export const nameOf = ({ pack, offset }: Place) => `${pack}/${offset}`;

function spansOf(blobs: readonly Blob[]): Span[] {
  const once = [...new Map(blobs.map((blob) => [nameOf(blob.place), blob])).values()];
  const sorted = once.sort(({ place: a }, { place: b }) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1));
  const spans: Span[] = [];
  for (const blob of sorted) {
    const { pack, offset, length } = blob.place;
    const last = spans.at(-1);
    if (last?.pack === pack && offset - last.end <= widestGap && offset + length - last.start <= longestSpan) {
      last.end = Math.max(last.end, offset + length);
      last.blobs.push(blob);
    } else spans.push({ pack, start: offset, end: offset + length, blobs: [blob] });
  }
  return spans;
}

async function readSpan(source: Source, span: Span, into: Map<string, Buffer>, signal: AbortSignal): Promise<void> {
  const { start, blobs } = span;
  const read = await bytesOf(source, span, signal).catch(ifDamaged);
  for (const blob of blobs) {
    const { offset, length } = blob.place;
    const opened =
      read instanceof StoreDamaged
        ? read
        : await open(source, read.subarray(offset - start, offset - start + length), blob).catch(ifDamaged);
    into.set(nameOf(blob.place), opened instanceof StoreDamaged ? await openElsewhere(source, blob, opened, signal) : opened);
  }
}

function ifDamaged(error: unknown): StoreDamaged {
  if (error instanceof StoreDamaged) return error;
  throw error;
}

/** A prune that was interrupted, or two who have saved the same at once, leave a blob in several packs. */
async function openElsewhere(source: Source, { id, place }: Blob, damage: StoreDamaged, signal: AbortSignal): Promise<Buffer> {
  let tried = 0;
  for (const other of source.placesOf(id)) {
    if (nameOf(other) === nameOf(place) || other.plainLength !== place.plainLength) continue;
    if (++tried > mostTried) break;
    const span = { pack: other.pack, start: other.offset, end: other.offset + other.length };
    const opened = await bytesOf(source, span, signal)
      .then((bytes) => open(source, bytes, { id, place: other }))
      .catch(ifDamaged);
    if (!(opened instanceof StoreDamaged)) return opened;
  }
  throw damage;
}

const fileOf = ({ prefix }: Location, pack: string) => `${prefix}data/${pack.slice(0, 2)}/${pack}`;

/** Rejects with StoreDamaged. */
function bytesOf({ location }: Source, { pack, start, end }: Omit<Span, 'blobs'>, signal: AbortSignal): Promise<Uint8Array> {
  const file = fileOf(location, pack);
  return location.store.read(file, signal, { start, length: end - start }).catch((error: unknown) => {
    if (error instanceof StoreRange) throw new StoreDamaged(`${file}: it ends at ${error.size}, before byte ${start}`, { cause: error });
    return asDamage(file)(error);
  });
}

async function open({ location, key }: Source, sealed: Uint8Array, { id, place }: Blob): Promise<Buffer> {
  const file = fileOf(location, place.pack);
  const damaged = (cause?: unknown) =>
    new StoreDamaged(`${file}: the blob at byte ${place.offset} is not what was written (sha256)`, { cause });
  const content = unseal(key, sealed);
  const plain = place.isCompressed
    ? await expanded(content, place.plainLength).catch((error: unknown) => Promise.reject(damaged(error)))
    : content;
  if (!hash('sha256', plain, 'buffer').equals(id)) throw damaged();
  return plain;
}

/** In one piece, with a byte to spare by which it is seen that no more comes. */
async function expanded(content: Buffer, length: number): Promise<Buffer> {
  const options = { maxOutputLength: Math.max(1, length), chunkSize: Math.max(leastChunk, length + 1) };
  return length <= smallBlob ? zstdDecompressSync(content, options) : expand(content, options);
}
