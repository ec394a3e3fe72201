/** gzip on the thread pool of Node. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { messageOf } from '../../base/lifetime.ts';
import { ArchiveDamaged } from './archive.ts';
import { chunkSize, Compressor } from './compressor.ts';

const gunzipAsync = promisify(gunzip);

/** Twice the threads of Node: while one fetches its next member, another has it. */
const mostKept = 8;
/** Those that have nothing to do. */
const kept: Compressor[] = [];

/** One gzip member. */
export async function compress(raw: Uint8Array): Promise<Buffer> {
  const compressor = kept.pop() ?? new Compressor();
  const member = await compressor.compress(raw);
  if (kept.length < mostKept) kept.push(compressor);
  return member;
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
