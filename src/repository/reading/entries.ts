/** Files and folders of a snapshot, as they are told. */
import { nameBytes } from './names.ts';

/** An entry of a folder as restic writes it; names of fields are those of its `Node`. */
interface NodeFields {
  readonly name: string;
  readonly type: string;
  /** Bits of Go's os.FileMode. */
  readonly mode?: number;
  readonly mtime?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  readonly group?: string;
  readonly links?: number;
  readonly size?: number;
  readonly linktarget?: string;
  /** Base64, where it is no UTF-8. */
  readonly linktarget_raw?: string | null;
  readonly device?: number;
  readonly extended_attributes?: readonly { readonly name: string; readonly value: string | null }[] | null;
  readonly content?: readonly string[] | null;
  readonly subtree?: string | null;
}

const entryTypes = ['file', 'dir', 'symlink', 'dev', 'chardev', 'fifo', 'socket'] as const;
export type EntryType = (typeof entryTypes)[number];

export interface FileEntry {
  /** Empty for the root. */
  readonly nameBytes: Buffer;
  /** What is no UTF-8 in it is replaced by U+FFFD. */
  readonly name: string;
  readonly type: EntryType;
  /** In bytes; 0 for what is no file. */
  readonly size: number;
  /** The twelve bits of a POSIX mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Empty where it was not known. */
  readonly user: string;
  readonly group: string;
  /** Milliseconds since the epoch; undefined where none is known. */
  readonly modified: number | undefined;
  /** Of a symbolic link; of all else undefined. */
  readonly linkTarget: Buffer | undefined;
  /** How many names the file has, and what is the same for all of them. */
  readonly links: number;
  readonly linkId: string | undefined;
  readonly attributes: readonly { readonly name: string; readonly value: Buffer }[];
  /** As the kernel counts devices. */
  readonly device: number;
  /** Ids of its blobs, 32 bytes each. */
  readonly content: Buffer;
  /** Of a folder: the id of the blob that lists it. */
  readonly subtree: Buffer | undefined;
}

/** Where restic has left a field out. */
const leftOut = { mode: 0, uid: 0, gid: 0, user: '', group: '', links: 1, device: 0, size: 0, mtime: '' };

/** Of the id of a blob. */
export const idBytes = 32;

/** Whatever restic knows and we do not is told as a socket: there, and of no content. Throws an error for what restic cannot have written. */
export function entryIn(text: string): FileEntry {
  const node = JSON.parse(text) as NodeFields;
  const { uid, gid, user, group, links, device, size, mode, mtime } = { ...leftOut, ...node };
  if (![uid, gid, links, device, size, mode].every(isCount)) throw new RangeError('it has a number that cannot be');
  const type = entryTypes.find((known) => known === node.type) ?? 'socket';
  const name = nameBytes(node.name);
  const modified = Date.parse(mtime);
  return {
    nameBytes: name,
    name: name.toString(),
    type,
    size: type === 'file' ? size : 0,
    mode: posixMode(mode),
    uid,
    gid,
    user,
    group,
    modified: Number.isNaN(modified) ? undefined : modified,
    linkTarget: type === 'symlink' ? targetOf(node) : undefined,
    links,
    linkId: links > 1 ? linkIdIn(text) : undefined,
    attributes: attributesOf(node),
    device,
    content: idsOf(node.content ?? []),
    subtree: node.subtree ? idsOf([node.subtree]) : undefined,
  };
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Inodes and devices may have more digits than a number holds. Undefined where none is known. */
function linkIdIn(text: string): string | undefined {
  const [inode, device] = [/"inode":\d+/, /"device_id":\d+/].map((field) => field.exec(text)?.[0]);
  return inode && `${device ?? ''} ${inode}`;
}

function idsOf(ids: readonly string[]): Buffer {
  const bytes = Buffer.from(ids.join(''), 'hex');
  if (bytes.length !== ids.length * idBytes) throw new RangeError('it has an id that is none');
  return bytes;
}

/** Go writes nothing as null. */
function attributesOf({ extended_attributes }: NodeFields): FileEntry['attributes'] {
  return (extended_attributes ?? []).map(({ name, value }) => ({ name, value: Buffer.from(value ?? '', 'base64') }));
}

function targetOf({ linktarget = '', linktarget_raw }: NodeFields): Buffer {
  return linktarget_raw ? Buffer.from(linktarget_raw, 'base64') : Buffer.from(linktarget);
}

/** The folder in which all of a snapshot lies. Of it nothing is known but what it holds. */
export const rootOf = (subtree: Buffer): FileEntry => asRoot({ ...entryIn('{"name":"root","type":"dir","mode":493}'), subtree });

/** In which all else lies, so that it has no name. */
export const asRoot = (entry: FileEntry): FileEntry => ({ ...entry, nameBytes: Buffer.alloc(0), name: '' });

/** Go keeps setuid, setgid and sticky elsewhere. */
function posixMode(mode: number): number {
  const [setuid, setgid, sticky] = [23, 22, 20].map((bit) => (mode >>> bit) & 1) as [number, number, number];
  return (mode & 0o777) | (setuid << 11) | (setgid << 10) | (sticky << 9);
}
