/** What restic does with single files: reading, all or a part, their size, saving and deleting. */
import type { Clock } from '../../base/clock.ts';
import type { ByteRange, ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreConflict, StoreRange } from '../../objectstore/objectstore.ts';
import type { Slots } from '../../objectstore/slots.ts';
import type { FileKind } from '../paths.ts';
import type { RepositoryAnswer } from './exchange.ts';
import { Refused, binary, plain } from './exchange.ts';
import { IncomingFile, tooLong } from './incoming.ts';
import type { Place } from './lanes.ts';
import { outgoing } from './outgoing.ts';
import type { SpareBuffers } from './spare-buffers.ts';

const MiB = 1024 * 1024;

/**
 * Bytes. A pack ends with the blob that makes it as large as --pack-size says, 128 MiB at most; a blob of a file has 8 MiB at most, and a header 16 MiB,
 * but the list of a folder with very many files is one blob. An index of 50 000 blobs and one pack more stays far below its bound. A lock names a time, a host and a user.
 */
const mostBytes: Readonly<Record<FileKind, number>> = {
  data: 512 * MiB,
  index: 128 * MiB,
  snapshots: 16 * MiB,
  keys: MiB,
  locks: 4096,
};

/** Bytes up to which a file costs so little that it waits for no place, 25 MiB for 400 of them: locks, snapshots, and some indexes. */
export const mostSmall = 64 * 1024;

/** Bytes up to which a file is gathered, to be one request to the store: a pack as restic makes it by itself, 16 MiB and one blob more. */
export const mostGathered = 25 * MiB;

/** The place, which a small file needs not, is given back with the last byte. Rejects with a StoreError. */
export async function readFile(
  store: ObjectStore,
  key: string,
  range: string,
  place: Place | undefined,
  signal: AbortSignal,
): Promise<RepositoryAnswer> {
  const asked = rangeOf(range);
  try {
    const { size, body: stream } = await store.stream(key, place?.fast ?? signal, asked);
    const part = asked && { start: asked.start, end: Math.min(size, asked.start + (asked.length ?? size)) };
    const length = part ? part.end - part.start : size;
    const body = place ? outgoing(store, { key, ...(part ?? { start: 0, end: size }) }, stream, place) : stream;
    const headers = { 'Content-Type': binary, 'Content-Length': String(length), 'Accept-Ranges': 'bytes' };
    if (!part) return { status: 200, headers, body };
    return { status: 206, headers: { ...headers, 'Content-Range': `bytes ${part.start}-${part.end - 1}/${size}` }, body };
  } catch (error) {
    if (!(error instanceof StoreRange)) throw error;
    throw new Refused(416, `the file has ${error.size} bytes`, { 'Content-Range': `bytes */${error.size}` });
  }
}

/** Rejects with a StoreError. */
export async function sizeOfFile(store: ObjectStore, key: string, signal: AbortSignal): Promise<RepositoryAnswer> {
  const size = await store.size(key, signal);
  if (size === undefined) throw noSuchFile();
  return { status: 200, headers: { 'Content-Type': binary, 'Content-Length': String(size), 'Accept-Ranges': 'bytes' }, body: nothing() };
}

/** Bytes that a file has at most, and its sender may say how many it has. Throws Refused 413. */
export function longestOf(kind: FileKind, contentLength: number | undefined): number {
  const most = mostBytes[kind];
  if (contentLength !== undefined && contentLength > most) throw tooLong(most);
  return contentLength ?? most;
}

export interface SaveParts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly buffers: SpareBuffers;
  /** Bounds the gathered files that are put at once, of which the store may make copies. */
  readonly puts: Slots;
}

export interface Incoming {
  readonly key: string;
  readonly id: string;
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes. */
  readonly most: number;
  /** Undefined only of a small file. */
  readonly place: Place | undefined;
  /** Has the last word before a gathered file is put. */
  readonly prepare: () => Promise<void>;
}

/**
 * Never replaces a file. One that is there already, with these very bytes, is as good as saved: restic sends it again when the first
 * answer was lost, and takes the 403 that rest-server gives then for the end of the backup. `signal` is that of the place, where there is one. Rejects with
 * Refused and a StoreError.
 */
export async function saveFile(parts: SaveParts, incoming: Incoming, signal: AbortSignal): Promise<RepositoryAnswer> {
  const { store, clock } = parts;
  const { key, body, place } = incoming;
  const file = new IncomingFile(body, incoming, clock, place, signal);
  const outcome = await save(parts, incoming, file, signal);
  if (outcome === 'exists' && (await store.size(key, signal)) !== file.bytes)
    throw new Refused(403, 'a file of this name is there, and is not replaced');
  return plain(200, '');
}

type Outcome = 'created' | 'exists';

async function save(parts: SaveParts, incoming: Incoming, file: IncomingFile, signal: AbortSignal): Promise<Outcome> {
  const { key, most } = incoming;
  if (most > mostGathered) return uploadIfAbsent(parts.store, key, file, signal);
  if (most > mostSmall) return gatherAndPut(parts, incoming, file, signal);
  return put(parts.store, incoming, await file.gather(Buffer.allocUnsafeSlow(most)), signal);
}

/** The buffer is used again when the store has all of it; who was refused may be reading it still. */
async function gatherAndPut(
  { store, buffers, puts }: SaveParts,
  incoming: Incoming,
  file: IncomingFile,
  signal: AbortSignal,
): Promise<Outcome> {
  using loan = buffers.lend();
  const content = await file.gather(loan.buffer);
  using _ = await puts.enter(signal);
  const outcome = await put(store, incoming, content, signal);
  if (outcome === 'created') loan.giveBack();
  return outcome;
}

async function put(store: ObjectStore, { key, id, prepare }: Incoming, content: Uint8Array, signal: AbortSignal): Promise<Outcome> {
  await prepare();
  return store.putIfAbsent(key, content, signal, id);
}

/** The store may tell that the key exists before it has read what is new. */
async function uploadIfAbsent(store: ObjectStore, key: string, file: IncomingFile, signal: AbortSignal): Promise<Outcome> {
  try {
    await store.upload(key, file.pieces(), signal);
    return 'created';
  } catch (error) {
    if (!(error instanceof StoreConflict)) throw error;
    await readToEnd(file);
    return 'exists';
  }
}

/** One that is gone was deleted. Rejects with a StoreError. */
export async function deleteFile(store: ObjectStore, key: string, signal: AbortSignal): Promise<RepositoryAnswer> {
  await store.delete(key, signal);
  return plain(200, '');
}

export const noSuchFile = () => new Refused(404, 'no such file');

/** Throws where the bytes are not those of the name. */
async function readToEnd(file: IncomingFile): Promise<void> {
  for await (const _ of file.pieces());
}

/** Of the forms that restic sends; any other asks for the whole. https://www.rfc-editor.org/rfc/rfc9110#section-14.2 */
function rangeOf(range: string): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=([0-9]{1,15})-([0-9]{1,15})?$/.exec(range) ?? [];
  const start = Number(first);
  if (first === '' || (last !== '' && Number(last) < start)) return undefined;
  return last === '' ? { start } : { start, length: Number(last) - start + 1 };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
