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

/** Bytes that are worth a call of their own: as far back as deflate looks. */
const leastBytes = 32 * 1024;

export async function* gzipped(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  yield header;
  let [checksum, length] = [0, 0];
  for await (const bytes of inLargePieces(pieces)) {
    if (bytes.length <= longestStored) yield stored(bytes);
    else yield await blocksOf(bytes);
    checksum = crc32(bytes, checksum);
    length += bytes.length;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield Buffer.concat([lastBlock, trailer]);
}

/** Bytes up to which a piece goes as it is: to compress it would cost more than to send it, and what does not come again is never kept. */
const longestStored = 4 * 1024;

/** A block without compression: https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4 */
function stored(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

/** Joins the small ones. Text is new each time, so it stays apart from bytes, which may come again. */
async function* inLargePieces(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  let small: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    const isAlone = typeof piece === 'string' || piece.length >= leastBytes;
    if (!isAlone) {
      small.push(piece);
      length += piece.length;
    }
    if (length > 0 && (isAlone || length >= leastBytes)) {
      yield join(small);
      [small, length] = [[], 0];
    }
    if (isAlone) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  }
  if (length > 0) yield join(small);
}

/** What was joined last, by the first of it. */
const joined = new WeakMap<Uint8Array, { readonly pieces: readonly Uint8Array[]; readonly bytes: Uint8Array }>();

/** The same bytes again for the same pieces, so that they are known again. */
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [first = Buffer.alloc(0)] = pieces;
  const found = joined.get(first);
  if (found?.pieces.length === pieces.length && found.pieces.every((piece, index) => piece === pieces[index])) return found.bytes;
  const bytes = Buffer.concat(pieces);
  joined.set(first, { pieces, bytes });
  return bytes;
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
