/**
 * Puts the entries of a volume in order of their keys, however many there are: what does not fit into memory is written into the store in
 * sorted runs, which are merged at the end.
 */
import TinyQueue from 'tinyqueue';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { compress } from '../archive/compression.ts';
import { putOnce } from '../archive/put-once.ts';
import { RunFailed } from '../runs/failure.ts';
import { removeFiles } from '../runs/files.ts';
import type { CopyIndex, EntryBlock, EntryRecord } from './copy-format.ts';
import { entriesFile, sha256Of, sortedFile, sortedFolder } from './copy-format.ts';

/** Characters of the lines that are held in memory. */
const runSize = 8 << 20;
/** Of a run, read at once. */
const rangeBytes = 256 << 10;
/** Each of them has such a range in memory while they are merged. */
const mostRuns = 1_000;
/** Characters of a block, before compression. */
const blockSize = 64 << 10;
/** Of one line: names of 4096 bytes, as Linux takes them, need less, however they are written. */
const longestLine = 64 << 10;
/** Characters of the keys that the index has of all blocks. */
const mostIndexed = 64 << 20;

interface Line {
  readonly key: string;
  readonly text: string;
}

export class EntriesWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  /** Bytes of each run in the store. */
  readonly #runs: number[] = [];
  #lines: Line[] = [];
  #size = 0;
  #count = 0;

  constructor(store: ObjectStore, folder: string, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#signal = signal;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes it at once; with `isFull`, spill has to be called before the next ones. Throws RunFailed. */
  add(record: EntryRecord): void {
    const text = `${JSON.stringify(record)}\n`;
    if (text.length > longestLine) throw new RunFailed('TarRefused', 'the tar file of the volume has a name that is too long');
    this.#lines.push({ key: record.key, text });
    this.#size += text.length;
    this.#count++;
  }

  get isFull(): boolean {
    return this.#size >= runSize;
  }

  async spill(): Promise<void> {
    if (this.#runs.length === mostRuns) throw this.#tooMany();
    const bytes = Buffer.from(
      this.#sorted()
        .map(({ text }) => text)
        .join(''),
      'utf8',
    );
    this.#lines = [];
    this.#size = 0;
    await putOnce(this.#store, sortedFile(this.#folder, this.#runs.length), bytes, this.#signal);
    this.#runs.push(bytes.length);
  }

  /** Rejects with RunFailed where a name comes twice. */
  async finish(): Promise<CopyIndex['entries']> {
    const blocks: EntryBlock[] = [];
    await this.#store.upload(entriesFile(this.#folder), this.#body(blocks), this.#signal);
    await removeFiles(this.#store, sortedFolder(this.#folder), this.#signal);
    return { count: this.#count, blocks };
  }

  #tooMany(): RunFailed {
    return new RunFailed('TooManyFiles', `the volume has ${this.#count} files, or more: their names take too much room`);
  }

  #sorted(): Line[] {
    return this.#lines.sort(byKey);
  }

  async *#body(blocks: EntryBlock[]): AsyncGenerator<Uint8Array> {
    let [offset, indexed] = [0, 0];
    for await (const lines of blocksOf(this.#runs.length === 0 ? this.#sorted() : this.#merged())) {
      const bytes = await compress(Buffer.from(lines.map(({ text }) => text).join('')));
      const [first, last] = [lines[0]?.key ?? '', lines.at(-1)?.key ?? ''];
      indexed += first.length + last.length;
      if (indexed > mostIndexed) throw this.#tooMany();
      blocks.push({ first, last, offset, length: bytes.length, sha256: sha256Of(bytes) });
      offset += bytes.length;
      yield bytes;
    }
  }

  async *#merged(): AsyncGenerator<Line> {
    await this.spill();
    const sources = this.#runs.map((bytes, run) => this.#linesOf(sortedFile(this.#folder, run), bytes));
    const heads = new TinyQueue<Line & { readonly source: AsyncGenerator<Line> }>([], byKey);
    for (const source of sources) await advance(heads, source);
    for (let least = heads.pop(); least; least = heads.pop()) {
      yield least;
      await advance(heads, least.source);
    }
  }

  async *#linesOf(key: string, bytes: number): AsyncGenerator<Line> {
    let rest = Buffer.alloc(0);
    for (let start = 0; start < bytes; start += rangeBytes) {
      const range = { start, length: Math.min(rangeBytes, bytes - start) };
      rest = Buffer.concat([rest, await this.#store.read(key, this.#signal, range)]);
      const end = rest.lastIndexOf(0x0a) + 1;
      for (const text of rest.toString('utf8', 0, end).split('\n').slice(0, -1))
        yield { key: (JSON.parse(text) as EntryRecord).key, text: `${text}\n` };
      rest = rest.subarray(end);
    }
  }
}

async function advance(heads: TinyQueue<Line & { source: AsyncGenerator<Line> }>, source: AsyncGenerator<Line>): Promise<void> {
  const next = await source.next();
  if (!next.done) heads.push({ ...next.value, source });
}

/** In order, each key once. What is unpacked to a link must not be followed by what lies behind a second entry of its name. */
async function* blocksOf(lines: AsyncIterable<Line> | Iterable<Line>): AsyncGenerator<readonly Line[]> {
  let block: Line[] = [];
  let size = 0;
  let before: string | undefined;
  for await (const line of lines) {
    if (line.key === before) throw new RunFailed('TarRefused', 'the tar file of the volume has one of its files twice');
    before = line.key;
    block.push(line);
    size += line.text.length;
    if (size < blockSize) continue;
    yield block;
    block = [];
    size = 0;
  }
  if (block.length > 0) yield block;
}

const byKey = (left: Line, right: Line) => (left.key < right.key ? -1 : Number(left.key > right.key));
