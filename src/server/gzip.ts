/**
 * A list as gzip (https://www.rfc-editor.org/rfc/rfc1952). Each piece is compressed by itself up to a byte boundary, which a sync flush
 * gives, and the results follow each other: so bytes that come again in later answers are compressed once.
 */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

/** Of a file without name and time, compressed the fastest way, on no system in particular. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
/** The last block, which is empty. */
const lastBlock = Buffer.from([3, 0]);
/** As kube-apiserver compresses: the fastest. */
export const compression = { level: 1 };
const options = { ...compression, finishFlush: constants.Z_SYNC_FLUSH };

/** Bytes that are worth a call of their own. */
const leastBytes = 8 * 1024;

export async function* gzipped(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  yield header;
  let [checksum, length] = [0, 0];
  for await (const bytes of inLargePieces(pieces)) {
    yield await blocksOf(bytes);
    checksum = crc32(bytes, checksum);
    length += bytes.length;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield Buffer.concat([lastBlock, trailer]);
}

/** Joins the small ones; a large one stays what it is, so that it is known again. */
async function* inLargePieces(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  let small: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    const isSmall = bytes.length < leastBytes;
    if (isSmall) {
      small.push(bytes);
      length += bytes.length;
    }
    if (length > 0 && (!isSmall || length >= leastBytes)) {
      yield Buffer.concat(small);
      [small, length] = [[], 0];
    }
    if (!isSmall) yield bytes;
  }
  if (length > 0) yield Buffer.concat(small);
}

/** Kept as long as somebody has the bytes, which never change. */
const known = new WeakMap<Uint8Array, Promise<Uint8Array>>();
const deflate = promisify(deflateRaw);

function blocksOf(bytes: Uint8Array): Promise<Uint8Array> {
  const found = known.get(bytes);
  if (found) return found;
  const blocks = deflate(bytes, options);
  known.set(bytes, blocks);
  // What failed for want of memory may succeed for the next reader.
  blocks.catch(() => known.delete(bytes));
  return blocks;
}
