/** Of a copy, a file or a folder with all below it, as a tar file of its own: cut out of that of the volume, in its order. */
import { TarScanner } from '../../base/tar-scanner.ts';
import type { ScannedEntry } from '../../base/tar-scanner.ts';
import { endOfTar, paddingOf } from '../../base/tar.ts';
import type { TarEntry } from '../../base/tar.ts';
import { inChunks } from '../../objectstore/chunks.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import type { TarContent, TarForm } from '../../repository/reading/tar-of.ts';
import { belowKey, keyOf, namesIn, namesOfPath } from './copy-format.ts';
import type { EntryRecord } from './copy-format.ts';
import type { StoredCopy } from './stored-copy.ts';

/** Headers are small, and each piece costs those who send it the same. */
const chunkBytes = 256 << 10;

/** What of the tar file of the volume holds a file or a folder. */
export interface Extent extends TarContent {
  readonly start: number;
  readonly end: number;
}

export async function extentOf(copy: StoredCopy, record: EntryRecord, names: readonly string[], signal: AbortSignal): Promise<Extent> {
  let { start } = record;
  let [end, count, contentBytes] = [endOf(record), 1, await sizeOf(copy, record, names, signal)];
  if (record.type !== 'dir') return { start, end, count, contentBytes };
  const below = belowKey(names);
  for await (const one of copy.entries(below, below, signal)) {
    start = Math.min(start, one.start);
    end = Math.max(end, endOf(one));
    contentBytes += await sizeOf(copy, one, names, signal);
    count += one.key === '' ? 0 : 1;
  }
  return { start, end, count, contentBytes };
}

/** Of what comes of an entry. */
async function sizeOf(copy: StoredCopy, { key, type, size, target = '' }: EntryRecord, folder: readonly string[], signal: AbortSignal) {
  if (type !== 'link' || comesAsLink(namesIn(key), namesIn(target), folder)) return size;
  return (await copy.find(target, signal))?.size ?? size;
}

/** To what is not in this tar file it would lead nowhere. */
const comesAsLink = (names: readonly string[], target: readonly string[], folder: readonly string[]) =>
  isWithin(target, folder) && folder.length < names.length;

const endOf = ({ at, size }: EntryRecord) => at + size + paddingOf(size);

/** Names begin with that of the file or folder, unless it is the root. */
export function copiedTar(
  copy: StoredCopy,
  names: readonly string[],
  extent: Extent,
  form: TarForm,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return inChunks(new Cutting(copy, names, form, signal).run(extent), chunkBytes);
}

type Step = ScannedEntry | Uint8Array;

class Cutting {
  readonly #copy: StoredCopy;
  readonly #names: readonly string[];
  readonly #form: TarForm;
  readonly #signal: AbortSignal;
  /** Bytes of content that are still to come of the entry that was taken last. */
  #left = 0;
  #padding = 0;
  #count = 0;

  constructor(copy: StoredCopy, names: readonly string[], form: TarForm, signal: AbortSignal) {
    this.#copy = copy;
    this.#names = names;
    this.#form = form;
    this.#signal = signal;
  }

  async *run({ start, end, count }: Extent): AsyncGenerator<Uint8Array> {
    const steps: Step[] = [];
    const scanner = new TarScanner({ entry: (entry) => steps.push(entry), content: (bytes) => steps.push(bytes) });
    for await (const piece of this.#copy.bytes(start, end - start, this.#signal)) {
      scanner.push(piece);
      for (const step of steps.splice(0)) yield* step instanceof Uint8Array ? this.#pass(step) : this.#take(step);
    }
    if (this.#count !== count) throw new StoreDamaged(`the tar file of the volume has ${this.#count} of the ${count} entries of its index`);
    if (this.#form.last) yield this.#form.write(this.#form.last);
    yield endOfTar;
  }

  *#pass(content: Uint8Array): Generator<Uint8Array> {
    if (this.#left === 0) return;
    this.#left -= content.length;
    yield content;
    if (this.#left === 0) yield new Uint8Array(this.#padding);
  }

  async *#take(entry: ScannedEntry): AsyncGenerator<Uint8Array> {
    this.#left = 0;
    const names = namesOfPath(entry.path);
    if (!names || !isWithin(names, this.#names)) return;
    this.#count++;
    if (names.length === 0 && !this.#form.hasRoot) return;
    if (entry.type === 'link') yield* this.#link(entry, names);
    else {
      yield this.#form.write({ ...entry, path: this.#pathOf(names, entry.type === 'dir') });
      this.#left = entry.size;
      this.#padding = paddingOf(entry.size);
    }
  }

  /** One that would lead nowhere is that itself. */
  async *#link(entry: ScannedEntry, names: readonly string[]): AsyncGenerator<Uint8Array> {
    const path = this.#pathOf(names, false);
    const target = namesOfPath(entry.target ?? new Uint8Array()) ?? [];
    if (comesAsLink(names, target, this.#names)) {
      yield this.#form.write({ ...entry, path, target: this.#pathOf(target, false) });
      return;
    }
    const found = await this.#copy.find(keyOf(target), this.#signal);
    if (!found) throw new StoreDamaged('a file of the volume is another name of one that is not there');
    yield this.#form.write({ ...entry, path, ...contentOf(found) });
    yield* this.#copy.bytes(found.at, found.size, this.#signal);
    yield new Uint8Array(paddingOf(found.size));
  }

  #pathOf(names: readonly string[], isFolder: boolean): Buffer {
    const path = names.slice(Math.max(0, this.#names.length - 1)).join('/');
    return Buffer.from(path === '' ? './' : `${path}${isFolder ? '/' : ''}`, 'latin1');
  }
}

const isWithin = (names: readonly string[], folder: readonly string[]) => folder.every((name, index) => names[index] === name);

/** Of the file that has another name. */
function contentOf({ type, size, target, device }: EntryRecord): Pick<TarEntry, 'type' | 'size' | 'target' | 'device'> {
  return { type, size, target: Buffer.from(target ?? '', 'latin1'), ...(device && { device }) };
}
