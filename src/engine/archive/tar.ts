/**
 * Entries of a tar file: ustar headers, and PAX ones in front for names that do not fit. The same input gives the same bytes:
 * owner 0, time 0. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */

const blockBytes = 512;
const longestName = 100;
const longestPrefix = 155;

/** What ends a tar file: two empty blocks. */
export const endOfTar: Uint8Array = new Uint8Array(2 * blockBytes);

/** The header of a regular file, and of a PAX entry before it where the name needs one. The content follows, then padding. */
export function tarHeader(path: string, size: number): Buffer {
  const place = placeOf(path);
  if (place) return header(place.name, place.prefix, size, '0');
  const record = Buffer.from(paxRecord('path', path));
  const extended = [header('PaxHeaders', '', record.length, 'x'), record, new Uint8Array(paddingOf(record.length))];
  return Buffer.concat([...extended, header(shortened(path), '', size, '0')]);
}

/** How many zero bytes follow a content of `size` bytes. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** How a name is laid into a ustar header; undefined where it cannot be. */
function placeOf(path: string): { readonly prefix: string; readonly name: string } | undefined {
  if (!/^[\x20-\x7e]*$/.test(path)) return undefined;
  if (path.length <= longestName) return { prefix: '', name: path };
  const slash = path.indexOf('/', path.length - longestName - 1);
  return slash > 0 && slash <= longestPrefix ? { prefix: path.slice(0, slash), name: path.slice(slash + 1) } : undefined;
}

/** For programs that know no PAX. */
function shortened(path: string): string {
  return path.replace(/[^\x20-\x7e]/g, '_').slice(-longestName);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts bytes, its own digits among them. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  const guess = bytes + String(bytes).length;
  return `${bytes + String(guess).length}${rest}`;
}

function header(name: string, prefix: string, size: number, type: '0' | 'x'): Buffer {
  const block = Buffer.from(template);
  block.write(name, 0, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(type, 156, 'latin1');
  block.write(prefix, 345, 'latin1');
  block.write(`${octal(sumOf(block), 6)}\0`, 148, 'latin1');
  return block;
}

/** All that is the same in every header; spaces stand for the checksum while it is computed. */
const template = templateHeader();

function templateHeader(): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write('0000644\x000000000\x000000000\x00', 100, 'latin1');
  block.write('00000000000\x00', 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('0000000\x000000000\x00', 329, 'latin1');
  return block;
}

function sumOf(block: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += block[at] ?? 0;
  return sum;
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
