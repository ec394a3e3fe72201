/** Writes an archive: items → members → thread pool → store, in order, with a bound at every step. */
import { hash } from 'node:crypto';
import type { Ids } from '../../base/ids.ts';
import type { ObjectStore, Uploaded } from '../../objectstore/objectstore.ts';
import type { ArchiveSummary, ArchiveWriter, NewItem } from './archive.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { compress } from './compression.ts';
import { archiveFile, itemsFile, logFile, manifestFile } from './files.ts';
import { resourceOf } from './item-key.ts';
import { markAt, markBytes } from './member-walk.ts';
import { ItemsWriter } from './items-writer.ts';
import { encodeManifest, formatVersion } from './manifest.ts';
import type { FileSum } from './manifest.ts';
import { MemberPacker } from './members.ts';
import type { Member } from './members.ts';
import { putOnce } from './put-once.ts';
import { endOfTar } from '../../base/tar.ts';

/** Members that are being compressed or wait for the store, each of 64 KiB or one item: enough that the threads have work. */
const queueBound = 16;
/** What the store is given at once, where there is as much. */
const pieceBytes = 256 << 10;

/** `folder` has no slash at its end and none of the files of an archive in it. Once the signal aborts, every call rejects with its reason. */
export async function createArchiveWriter(
  store: ObjectStore,
  folder: string,
  ids: Pick<Ids, 'hex'>,
  signal: AbortSignal,
): Promise<ArchiveWriter> {
  signal.throwIfAborted();
  return new StreamingWriter(store, folder, Buffer.from(ids.hex(markBytes), 'hex'), signal);
}

class StreamingWriter implements ArchiveWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  /** In the header of each member: whoever wrote an item cannot have known it, and so cannot have put a member of his own making into its content. */
  readonly #mark: Buffer;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #packer = new MemberPacker();
  readonly #members = new BoundedQueue<Member>(queueBound);
  readonly #items: ItemsWriter;
  readonly #archive: Promise<Uploaded>;
  readonly #resources = new Map<string, number>();
  #log: Promise<unknown> = Promise.resolve();
  #end: Promise<{ readonly archive: Uploaded; readonly items: Promise<Uploaded> }> | undefined;
  #count = 0;
  #contentBytes = 0;

  constructor(store: ObjectStore, folder: string, mark: Buffer, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#mark = mark;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#items = new ItemsWriter(store, this.#key(itemsFile), this.#signal);
    this.#archive = store.upload(this.#key(archiveFile), this.#body(), this.#signal);
    for (const upload of [this.#items.uploaded, this.#archive]) upload.catch((error: unknown) => this.#fail(error));
  }

  get contentBytes(): number {
    return this.#contentBytes;
  }

  async add(item: NewItem): Promise<void> {
    this.#signal.throwIfAborted();
    const full = this.#packer.add(item);
    const resource = resourceOf(item);
    this.#resources.set(resource, (this.#resources.get(resource) ?? 0) + 1);
    this.#count++;
    for (const { length } of item.manifest) this.#contentBytes += length;
    if (full) await this.#members.push(full);
  }

  async seal(): Promise<void> {
    const { items } = await this.#ended();
    await items;
  }

  async finish(log: string): Promise<ArchiveSummary> {
    const { archive, items: listed } = await this.#ended();
    // The folder is ours now.
    const logPut = this.#put(logFile, Buffer.from(log));
    this.#log = logPut;
    const [items, logSum] = await Promise.all([listed, logPut]);
    const manifest = await this.#put(manifestFile, this.#manifest(archive, items, logSum));
    const storedBytes = [archive, items, logSum, manifest].reduce((sum, { bytes }) => sum + bytes, 0);
    return { key: this.#key(archiveFile), ...archive, items: this.#count, contentBytes: this.#contentBytes, formatVersion, storedBytes };
  }

  /** `items` is being stored. */
  #ended(): Promise<{ readonly archive: Uploaded; readonly items: Promise<Uploaded> }> {
    this.#end ??= this.#endMembers();
    return this.#end;
  }

  async #endMembers() {
    const last = this.#packer.seal();
    if (last) await this.#members.push(last);
    this.#members.end();
    return { archive: await this.#archive, items: this.#items.finish() };
  }

  /** Whoever has stored the archive owns the folder: if that was not us, what lies there is another's. */
  async abort(): Promise<void> {
    this.#stop.abort(new Error('the archive was given up'));
    const [archive] = await Promise.allSettled([this.#archive, this.#items.uploaded, this.#log]);
    if (archive.status === 'rejected') return;
    const { signal } = new AbortController();
    await Promise.allSettled([manifestFile, archiveFile, itemsFile, logFile].map((file) => this.#store.delete(this.#key(file), signal)));
  }

  /** The bytes of archive.tar.gz. Only here is it known where a member begins. */
  async *#body(): AsyncGenerator<Uint8Array> {
    let offset = 0;
    let piece: Buffer[] = [];
    let start = 0;
    for await (const { compressed, items } of this.#members) {
      const bytes = this.#marked(await compressed);
      for (const item of items) await this.#items.add({ ...item, member: [offset, bytes.length] });
      offset += bytes.length;
      piece.push(bytes);
      if (offset - start < pieceBytes) continue;
      yield Buffer.concat(piece);
      piece = [];
      start = offset;
    }
    yield Buffer.concat([...piece, this.#marked(await compress(endOfTar))]);
  }

  #marked(member: Buffer): Buffer {
    member.set(this.#mark, markAt);
    return member;
  }

  async #put(file: string, bytes: Buffer): Promise<FileSum> {
    await putOnce(this.#store, this.#key(file), bytes, this.#signal);
    return { bytes: bytes.length, sha256: hash('sha256', bytes) };
  }

  #manifest(archive: Uploaded, items: Uploaded, log: FileSum): Buffer {
    return encodeManifest({
      formatVersion,
      features: [],
      files: { [archiveFile]: archive, [itemsFile]: items, [logFile]: log },
      items: this.#count,
      contentBytes: this.#contentBytes,
      resources: Object.fromEntries(this.#resources),
    });
  }

  #fail(error: unknown): void {
    this.#members.fail(error);
    this.#items.fail(error);
  }

  #key(file: string): string {
    return `${this.#folder}/${file}`;
  }
}
