/**
 * Entries of a tar file: ustar headers, and PAX ones in front for what does not fit.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */

/** What may stand in a tar file, apart from its content. */
export interface TarEntry {
  /** Bytes, for names that are no text. That of a folder ends with a slash. */
  readonly path: Uint8Array;
  readonly type: TarType;
  /** In bytes; 0 for what has no content. */
  readonly size: number;
  /** Twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** Of a link: the path in the tar file of what it is another name of; of a symbolic link: what it holds. */
  readonly target?: Uint8Array;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Extended attributes, as GNU tar keeps them. */
  readonly attributes?: readonly { readonly name: string; readonly value: Uint8Array }[];
}

const typeFlags = { file: '0', link: '1', symlink: '2', chardev: '3', dev: '4', dir: '5', fifo: '6' } as const;
export type TarType = keyof typeof typeFlags;

export const blockBytes = 512;
const longestName = 100;
const longestPrefix = 155;
/** What fits into the digits of a header. */
const largestId = 0o7777777;
const largestNumber = 0o77777777777;
const longestOwner = 31;

/** What ends a tar file: two empty blocks. */
export const endOfTar: Uint8Array = new Uint8Array(2 * blockBytes);

/**
 * The header of a regular file of nobody, at time 0: the same input gives the same bytes. The content follows, then padding. It is made in
 * `block`, as long as its path fits into that.
 */
export function tarHeader(path: string, size: number, block?: Buffer): Buffer {
  const place = placeOf(path);
  if (place) return header(place.name, place.prefix, size, '0', block);
  return Buffer.concat([extension([paxRecord('path', Buffer.from(path))]), header(shortened(path), '', size, '0')]);
}

/** The header of an entry with all that is known of it. The content follows, then padding. */
export function tarEntry(entry: TarEntry): Buffer {
  const path = Buffer.from(entry.path);
  const place = placeOf(path.toString('latin1'));
  const records = [...(place ? [] : [paxRecord('path', path)]), ...ownerRecords(entry), ...otherRecords(entry)];
  const block = header(
    place?.name ?? shortened(path.toString('latin1')),
    place?.prefix ?? '',
    fitting(entry.size, largestNumber),
    typeFlags[entry.type],
  );
  complete(block, entry);
  const needed = records.filter((record) => record.length > 0);
  return needed.length === 0 ? block : Buffer.concat([extension(needed), block]);
}

/**
 * The same in the words of GNU tar, which busybox understands too, where it passes over PAX headers. Times are of whole seconds; names of owners and
 * extended attributes are left out.
 */
export function gnuEntry({ path, target = nothing, ...entry }: TarEntry): Buffer {
  const block = header('', '', fitting(entry.size, largestNumber), typeFlags[entry.type]);
  complete(block, { ...entry, path, target, user: '', group: '' });
  block.set(Buffer.from(path).subarray(0, longestName), 0);
  if (entry.size > largestNumber) writeBinary(block, 124, 12, entry.size);
  if (entry.uid > largestId) writeBinary(block, 108, 8, entry.uid);
  if (entry.gid > largestId) writeBinary(block, 116, 8, entry.gid);
  sign(block);
  return Buffer.concat([longName('K', target), longName('L', path), block]);
}

/** In front of an entry whose name, or that of what it leads to, does not fit into its header. */
function longName(type: 'K' | 'L', name: Uint8Array): Buffer {
  if (name.length <= longestName) return nothing;
  const size = name.length + 1;
  return Buffer.concat([header('././@LongLink', '', size, type), name, new Uint8Array(1 + paddingOf(size))]);
}

/** Where octal digits do not suffice. */
function writeBinary(block: Buffer, start: number, length: number, value: number): void {
  block.writeBigUInt64BE(BigInt(value), start + length - 8);
  for (let at = start; at < start + length - 8; at++) block[at] = 0;
  block[start] = 0x80;
}

/** How many zero bytes follow a content of `size` bytes. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** A PAX header and its records. */
function extension(records: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(records);
  return Buffer.concat([header('PaxHeaders', '', body.length, 'x'), body, new Uint8Array(paddingOf(body.length))]);
}

const nothing = Buffer.alloc(0);

/** Whose it is, where that does not fit. */
function ownerRecords({ uid, gid, user, group }: TarEntry): Buffer[] {
  return [
    uid > largestId ? paxRecord('uid', Buffer.from(String(uid))) : nothing,
    gid > largestId ? paxRecord('gid', Buffer.from(String(gid))) : nothing,
    isShort(user, longestOwner) ? nothing : paxRecord('uname', Buffer.from(user)),
    isShort(group, longestOwner) ? nothing : paxRecord('gname', Buffer.from(group)),
  ];
}

function otherRecords({ size, modified, target = nothing, attributes = [] }: TarEntry): Buffer[] {
  const hasSeconds = modified >= 0 && modified % 1000 === 0 && modified / 1000 <= largestNumber;
  return [
    size > largestNumber ? paxRecord('size', Buffer.from(String(size))) : nothing,
    hasSeconds ? nothing : paxRecord('mtime', Buffer.from(String(modified / 1000))),
    isShort(Buffer.from(target).toString('latin1'), longestName) ? nothing : paxRecord('linkpath', target),
    ...attributes.map(({ name, value }) => paxRecord(`SCHILY.xattr.${name}`, value)),
  ];
}

const isShort = (text: string, longest: number) => text.length <= longest && /^[\x20-\x7e]*$/.test(text);

/** How a name is laid into a ustar header; undefined where it cannot be. */
function placeOf(path: string): { readonly prefix: string; readonly name: string } | undefined {
  if (!/^[\x20-\x7e]*$/.test(path)) return undefined;
  if (path.length <= longestName) return { prefix: '', name: path };
  const slash = path.indexOf('/', path.length - longestName - 1);
  return slash > 0 && slash < path.length - 1 && slash <= longestPrefix
    ? { prefix: path.slice(0, slash), name: path.slice(slash + 1) }
    : undefined;
}

/** For programs that know no PAX. */
function shortened(path: string): string {
  return path.replace(/[^\x20-\x7e]/g, '_').slice(-longestName);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts bytes, its own digits among them. */
function paxRecord(key: string, value: Uint8Array): Buffer {
  const start = ` ${key}=`;
  const bytes = Buffer.byteLength(start) + value.length + 1;
  const guess = bytes + String(bytes).length;
  return Buffer.concat([Buffer.from(`${bytes + String(guess).length}${start}`), value, Buffer.from('\n')]);
}

/** A header of nobody, at time 0, made in `block`. */
function header(name: string, prefix: string, size: number, type: string, block: Buffer = Buffer.allocUnsafe(blockBytes)): Buffer {
  block.set(template);
  block.write(name, 0, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(type, 156, 'latin1');
  block.write(prefix, 345, 'latin1');
  sign(block);
  return block;
}

/** Adds what else is known. */
function complete(block: Buffer, { mode, uid, gid, user, group, modified, target = nothing, device }: TarEntry): void {
  block.write(octal(mode, 7), 100, 'latin1');
  block.write(octal(fitting(uid, largestId), 7), 108, 'latin1');
  block.write(octal(fitting(gid, largestId), 7), 116, 'latin1');
  block.write(octal(fitting(Math.max(0, Math.floor(modified / 1000)), largestNumber), 11), 136, 'latin1');
  block.set(target.subarray(0, longestName), 157);
  block.write(ascii(user), 265, 'latin1');
  block.write(ascii(group), 297, 'latin1');
  block.write(octal(fitting(device?.major ?? 0, largestId), 7), 329, 'latin1');
  block.write(octal(fitting(device?.minor ?? 0, largestId), 7), 337, 'latin1');
  sign(block);
}

/** What does not fit stands in a record in front. */
const fitting = (value: number, largest: number) => (value > largest ? 0 : value);
const ascii = (text: string) => text.replace(/[^\x20-\x7e]/g, '_').slice(0, longestOwner);

/** All that is the same in every header. */
const template = templateHeader();

function templateHeader(): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write('0000644\x000000000\x000000000\x00', 100, 'latin1');
  block.write('00000000000\x00', 136, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('0000000\x000000000\x00', 329, 'latin1');
  return block;
}

/** Spaces stand for the checksum while it is computed. */
function sign(block: Buffer): void {
  block.write('        ', 148, 'latin1');
  block.write(`${octal(sumOf(block), 6)}\0`, 148, 'latin1');
}

function sumOf(block: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += block[at] ?? 0;
  return sum;
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
