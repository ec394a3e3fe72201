/** gzip on the thread pool of Node. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { messageOf } from '../../base/lifetime.ts';
import { ArchiveDamaged } from './archive.ts';

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Half the time of level 6 for manifests that come out a few hundredths larger: it is time that a backup competes for. */
const level = 1;
/** zlib hands out its output in pieces of this size, each of which costs a turn of the event loop. */
const chunkSize = 64 << 10;

/** One gzip member. */
export function compress(raw: Uint8Array): Promise<Buffer> {
  return gzipAsync(raw, { level, chunkSize });
}

/**
 * `what` names the bytes, for the ArchiveDamaged that it rejects with when they are not gzip, their checksum is wrong, or they hold
 * more than `longest` bytes.
 */
export async function expand(compressed: Uint8Array, what: string, longest?: number): Promise<Buffer> {
  try {
    return await gunzipAsync(compressed, { chunkSize, ...(longest !== undefined && { maxOutputLength: longest }) });
  } catch (error) {
    throw new ArchiveDamaged(`${what}: ${messageOf(error)}`, { cause: error });
  }
}
