/** A file or folder of a snapshot as a tar file, with modes, owners, times, links and extended attributes. Sockets, which tar knows not, are left out. */
import { endOfTar, paddingOf, tarEntry } from '../../base/tar.ts';
import type { TarEntry, TarType } from '../../base/tar.ts';
import { inChunks } from '../../objectstore/chunks.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import type { FileEntry } from './entries.ts';
import { inOrder } from './in-order.ts';
import type { BlobStep } from './in-order.ts';
import type { Blob } from './packs.ts';
import type { RepositoryReader } from './repository-reader.ts';

export interface TarForm {
  /** Writes a header. */
  readonly write: (entry: TarEntry) => Buffer;
  /** Whether a folder that is the root comes too, with its owner and mode. */
  readonly hasRoot: boolean;
  /** Comes behind all else. */
  readonly last?: TarEntry;
}

/** What a tar file holds: how many entries, and how many bytes of files. */
export interface TarContent {
  readonly count: number;
  readonly contentBytes: number;
}

/** With all that is known of each entry. */
export const wholeForm: TarForm = { write: tarEntry, hasRoot: false };

export interface TarParts {
  readonly repository: RepositoryReader;
  readonly form: TarForm;
  /** The pieces of a file; `where` names it in errors. */
  readonly steps: (file: FileEntry, where: string) => Iterable<BlobStep>;
  readonly signal: AbortSignal;
}

/** Entries of a folder that are looked at together. */
const atOnce = 256;
/** Headers are small, and each piece costs those who send it the same. */
const chunkBytes = 256 << 10;
const nothing = Buffer.alloc(0);
/** Files with several names whose first one is remembered; those beyond come once for each name. */
const mostLinks = 100_000;

/** Names begin with that of the file or folder, unless it is the root. */
export function tarOf(parts: TarParts, entry: FileEntry, path: string): AsyncGenerator<Uint8Array> {
  const read = (blobs: readonly Blob[]) => parts.repository.read(blobs, parts.signal);
  return inChunks(ended(inOrder(stepsOfEntry(parts, entry, entry.nameBytes, path, new Links()), read), parts.form), chunkBytes);
}

/** Of such a tar file, of which only the lists of folders are read. */
export async function contentOf(parts: Omit<TarParts, 'form'>, entry: FileEntry, path: string): Promise<TarContent> {
  let [count, contentBytes] = [0, 0];
  const write = () => {
    count++;
    return nothing;
  };
  const form = { write, hasRoot: true };
  const pass = async (blobs: readonly Blob[]) => {
    contentBytes += blobs.reduce((sum, { place }) => sum + place.plainLength, 0);
    return [];
  };
  const steps = inOrder(stepsOfEntry({ ...parts, form }, entry, entry.nameBytes, path, new Links()), pass);
  while (!(await steps.next()).done);
  return { count, contentBytes };
}

async function* ended(entries: AsyncIterable<Uint8Array>, { write, last }: TarForm): AsyncGenerator<Uint8Array> {
  yield* entries;
  if (last) yield write(last);
  yield endOfTar;
}

type Step = Uint8Array | BlobStep;

async function* stepsOfEntry(parts: TarParts, entry: FileEntry, path: Buffer, where: string, links: Links): AsyncGenerator<Step> {
  if (entry.type === 'dir') yield* stepsOfFolder(parts, entry, path, where, links);
  else if (entry.type === 'file') yield* stepsOfFile(parts, entry, path, where, links);
  else if (entry.type !== 'socket') yield parts.form.write(headerOf(entry, path, entry.type));
}

async function* stepsOfFolder(parts: TarParts, folder: FileEntry, path: Buffer, where: string, links: Links): AsyncGenerator<Step> {
  const { repository, form, signal } = parts;
  const start = Buffer.concat([path, Buffer.from(path.length > 0 ? '/' : '')]);
  if (start.length > 0) yield form.write(headerOf(folder, start, 'dir'));
  else if (form.hasRoot) yield form.write(headerOf(folder, Buffer.from('./'), 'dir'));
  const { subtree } = folder;
  if (!subtree) throw new StoreDamaged(`${where}: it is a folder of which no list was written`);
  const listed = await repository.folder(subtree, where, signal);
  let last: Buffer = Buffer.alloc(0);
  for (let at = 0; at < listed.length; at += atOnce) {
    const entries = listed.slice(at, at + atOnce);
    await repository.readAhead(
      entries.flatMap(({ subtree }) => (subtree ? [subtree] : [])),
      where,
      signal,
    );
    for (const entry of entries) {
      // No name twice: what is unpacked to a link must not be followed by what lies behind it.
      if (entry.nameBytes.compare(last) <= 0) throw new StoreDamaged(`${where}: the names in its list are not in order`);
      last = entry.nameBytes;
      const below = `${where === '/' ? '' : where}/${entry.name}`;
      yield* stepsOfEntry(parts, entry, Buffer.concat([start, entry.nameBytes]), below, links);
    }
  }
}

/** A file that has come under another name is a link to that. */
function* stepsOfFile({ steps, form }: TarParts, file: FileEntry, path: Buffer, where: string, links: Links): Generator<Step> {
  const first = links.first(file, path);
  yield form.write(first ? { ...headerOf(file, path, 'link'), size: 0, target: first } : headerOf(file, path, 'file'));
  if (first) return;
  let left = file.size;
  for (const step of steps(file, where)) {
    left -= step.blob.place.plainLength;
    yield step;
  }
  if (left !== 0) throw new StoreDamaged(`${where}: its pieces have ${file.size - left} bytes instead of ${file.size}`);
  yield new Uint8Array(paddingOf(file.size));
}

function headerOf(entry: FileEntry, path: Buffer, type: TarType): TarEntry {
  const { size, mode, uid, gid, user, group, modified = 0, linkTarget, attributes, device } = entry;
  const owned = { path, type, size, mode, uid, gid, user, group, modified, attributes };
  return { ...owned, ...(linkTarget && { target: linkTarget }), ...(device > 0 && { device: deviceNumbers(device) }) };
}

/** As Linux packs them into one number. */
function deviceNumbers(device: number): { readonly major: number; readonly minor: number } {
  const high = Math.floor(device / 2 ** 32);
  const low = device % 2 ** 32;
  return { major: ((low >>> 8) & 0xfff) + ((high & ~0xfff) >>> 0), minor: (low & 0xff) + (((low >>> 12) & ~0xff) >>> 0) };
}

/** Files that have several names: which came first, until all have come. */
class Links {
  readonly #first = new Map<string, { readonly path: Buffer; left: number }>();

  /** The name under which the file has come already. */
  first({ linkId, links }: FileEntry, path: Buffer): Buffer | undefined {
    if (linkId === undefined) return undefined;
    const known = this.#first.get(linkId);
    if (!known) {
      if (this.#first.size < mostLinks) this.#first.set(linkId, { path, left: links - 1 });
      return undefined;
    }
    if (--known.left <= 0) this.#first.delete(linkId);
    return known.path;
  }
}
