/** The files of a repository other than packs: each is named by the SHA-256 of its bytes, and proved by it. */
import { hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { handBack } from '../../base/hand-back.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDamaged, StoreNotFound } from '../../objectstore/objectstore.ts';
import { unseal } from './sealed.ts';

/** Where a repository lies. */
export interface Location {
  readonly store: ObjectStore;
  /** Of all its keys; ends with a slash. */
  readonly prefix: string;
}

type Folder = 'keys' | 'index' | 'snapshots';

const expand = promisify(zstdDecompress);

/**
 * Of a file that is compressed, in bytes: so that none fills the memory. restic's index files have some 10 MB, but those of packs of tiny files list up
 * to 459200 blobs, of 160 bytes at most each.
 */
const longestText = 80 << 20;
/** Bytes that come out of it at a time: less takes several times as long, and what comes in one piece need not be put together. */
const leastAtOnce = 1 << 20;
/** By how many times, at most, restic's files become longer than they are compressed; others come in several pieces. */
const usuallyLonger = 4;
/** What a compressed file begins with; one that is not begins as JSON does. */
const compressedMark = 2;

export async function listNames({ store, prefix }: Location, folder: Folder, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  const start = `${prefix}${folder}/`;
  for await (const { key } of store.list(start, signal)) names.push(key.slice(start.length));
  return names.filter((name) => isId(name));
}

/** As it lies there. Rejects with StoreDamaged when it is missing, or is not what was written. */
export async function readStored({ store, prefix }: Location, folder: Folder, id: string, signal: AbortSignal): Promise<Uint8Array> {
  const key = `${prefix}${folder}/${id}`;
  const bytes = await store.read(key, signal).catch(asDamage(key));
  if (hash('sha256', bytes) !== id) throw new StoreDamaged(`${key}: its bytes are not those that were written (sha256)`);
  return bytes;
}

/** The JSON of a sealed file, as text. */
export async function readSealed(
  location: Location,
  folder: Exclude<Folder, 'keys'>,
  id: string,
  key: KeyObject,
  signal: AbortSignal,
): Promise<Buffer> {
  const sealed = await readStored(location, folder, id, signal);
  const content = unseal(key, sealed);
  handBack(sealed);
  if (content[0] !== compressedMark) return content;
  const chunkSize = Math.min(Math.max(usuallyLonger * content.length, leastAtOnce), longestText);
  const text = await expand(content.subarray(1), { maxOutputLength: longestText, chunkSize }).catch((error: unknown) => {
    throw new StoreDamaged(`${location.prefix}${folder}/${id}: it cannot be expanded`, { cause: error });
  });
  handBack(content);
  return text;
}

/** Rejects with StoreDamaged for what is missing. */
export function asDamage(key: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof StoreNotFound ? new StoreDamaged(`${key}: it is missing`, { cause: error }) : error;
  };
}

export const isId = (text: string) => /^[0-9a-f]{64}$/.test(text);
