/** What look.sh tells of files: records that end with a zero byte, of which an empty one is the last. */
import { internal } from '../../machinery/errors.ts';
import type { EntryType } from '../../repository/reading/entries.ts';
import type { SnapshotFile } from '../../resources/services.ts';
import { shownFile } from '../snapshot/shown-file.ts';
import type { ShownEntry } from '../snapshot/shown-file.ts';

/** As `find -printf %y` tells them. */
const types: Readonly<Record<string, EntryType>> = {
  f: 'file',
  d: 'dir',
  l: 'symlink',
  b: 'dev',
  c: 'chardev',
  p: 'fifo',
  s: 'socket',
};

/** Of a record: a name, the target of a link, and little more. */
const longest = 16 << 10;

export class Records {
  #rest = Buffer.alloc(0);
  #isWhole = false;

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Those that have come to their end. Throws ApiError where one is longer than any can be. */
  *push(piece: Uint8Array): Generator<Buffer> {
    let bytes = Buffer.concat([this.#rest, piece]);
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0)) {
      if (end === 0) this.#isWhole = true;
      else yield bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > longest) throw internal('what was told of the volume is no list of files');
    this.#rest = bytes;
  }
}

/** `name`: also of the root; `user` and `group` are empty where the image knows no name. */
export type KeptEntry = Omit<ShownEntry, 'path'> & { readonly type: EntryType };

/** As `entry` in look.sh has it: only the target of a link, which is last, may hold slashes. */
const form =
  /^(?<name>[^/]*)\/(?<letter>[^/])\/(?<size>\d+)\/(?<mode>[0-7]+)\/(?<uid>\d+)\/(?<user>[^/]*)\/(?<gid>\d+)\/(?<group>[^/]*)\/(?<seconds>[^/]*)\/(?<target>.*)$/s;

export function entryIn(record: Buffer): KeptEntry {
  const fields = form.exec(record.toString('latin1'))?.groups;
  if (!fields) throw internal(`what was told of a file of the volume is none: ${record.toString()}`);
  const { name = '', letter = '', size, mode = '', uid, user = '', gid, group = '', seconds } = fields;
  const type = types[letter] ?? 'file';
  return {
    name: bytesIn(name).toString(),
    type,
    size: type === 'file' ? Number(size) : 0,
    mode: parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    user: nameUnless(uid, user),
    group: nameUnless(gid, group),
    modified: modifiedIn(seconds),
    target: type === 'symlink' ? bytesIn(fields['target']).toString() : undefined,
  };
}

const bytesIn = (text = '') => Buffer.from(text, 'latin1');
/** Milliseconds since the epoch at the ends of the years that RFC 3339 can tell. */
const [earliest, latest] = [Date.UTC(0, 0) - 1, Date.UTC(9999, 11, 31, 23, 59, 59, 999)];

/** A device has no time of its own. */
function modifiedIn(seconds = ''): number | undefined {
  const modified = Math.floor(Number(seconds) * 1_000);
  return seconds !== '' && modified > earliest && modified <= latest ? modified : undefined;
}

/** find tells the number for a name that it does not know. */
const nameUnless = (number: string | undefined, name: string) => (name === number ? '' : name);

export const fileOf = (entry: KeptEntry, path: string): SnapshotFile => shownFile({ ...entry, name: path === '/' ? '' : entry.name, path });

/** Of a record of `sizes`. */
export const sizeIn = (record: Buffer): number => (record.toString('latin1', 0, 1) === 'f' ? Number(record.toString('latin1', 1)) : 0);
