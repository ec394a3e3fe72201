/** Byte ranges, as every store reads them. */
import type { ByteRange } from './objectstore.ts';
import { StoreRange } from './objectstore.ts';

/** The first byte and the one behind the last of `range` in an object of `size` bytes. Throws StoreRange. */
export function boundsOf(key: string, size: number, range: ByteRange | undefined): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: size };
  if (range.start >= size) throw new StoreRange(`${key} has ${size} bytes: there is none at ${range.start}`, size);
  return { start: range.start, end: range.length === undefined ? size : Math.min(size, range.start + range.length) };
}
