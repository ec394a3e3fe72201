/** Reads the items file: the index once, then whatever blocks a question needs. */
import { ArchiveDamaged } from './archive.ts';
import { expand } from './compression.ts';
import { compareKeys, parseKey } from './item-key.ts';
import type { ItemRecord } from './item-record.ts';
import { decodeFooter, footerBytes, runsOf } from './items-format.ts';
import type { Block } from './items-format.ts';
import type { StoredFile } from './stored-file.ts';

/** Read from the end, so that one request gets footer and index: of few items, and for each one more. */
const leastTail = 64 << 10;
const tailPerItem = 0.25;
/** Blocks that lie side by side are read together up to this size. */
const longestSpan = 1 << 20;
/** Items that are looked through at a time when few of them are wanted. */
const largestBatch = 16_000;

/** What is asked of a block before it is read. */
export type BlockFilter = (block: Block) => boolean;

export class ItemsReader {
  readonly #file: StoredFile;
  readonly #blocks: readonly Block[];
  readonly #runs: readonly (readonly Block[])[];

  constructor(file: StoredFile, blocks: readonly Block[]) {
    this.#file = file;
    this.#blocks = blocks;
    this.#runs = runsOf(blocks);
  }

  /** How many items each resource has, by the index. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { resource, items } of this.#blocks) counts.set(resource, (counts.get(resource) ?? 0) + items);
    return counts;
  }

  /** Records in order of keys, of the blocks that pass, in batches of at least `wanted` where there are as many, then larger ones. */
  async *inOrder(passes: BlockFilter, wanted: number, signal: AbortSignal): AsyncIterable<readonly ItemRecord[]> {
    const runs = this.#runs.filter((run) => run.some(passes));
    for (let start = 0, size = wanted; start < runs.length; size = Math.max(wanted, Math.min(size * 2, largestBatch))) {
      let end = start;
      for (let items = 0; end < runs.length && items < size; end++) items += countOf(runs[end] ?? []);
      yield await this.#readRuns(runs.slice(start, end), signal);
      start = end;
    }
  }

  /** Every block in the order of the file; one that is damaged comes without records, with its error. */
  async *asWritten(
    signal: AbortSignal,
  ): AsyncIterable<{ readonly block: Block; readonly records: readonly ItemRecord[]; readonly error?: unknown }> {
    for (const block of this.#blocks) {
      const read = await this.#readBlocks([block], signal).catch((error: unknown) => ({ error }));
      if ('error' in read) yield { block, records: [], error: read.error };
      else yield { block, records: read.flat() };
    }
  }

  /** Batches of records as they lie in the archive. */
  async *inArchiveOrder(resource: string, signal: AbortSignal): AsyncIterable<readonly ItemRecord[]> {
    for (const block of this.#blocks.filter((block) => block.resource === resource)) {
      const records = await this.#readBlocks([block], signal);
      yield records.flat().sort((left, right) => left.member[0] - right.member[0] || left.at - right.at);
    }
  }

  /** Of one resource, in order. Only blocks that hold several are read. */
  async namespaces(resource: string, signal: AbortSignal): Promise<readonly string[]> {
    const found = new Set<string>();
    for (const block of this.#blocks.filter((block) => block.resource === resource)) {
      const [first, last] = [block.first, block.last].map((key) => parseKey(key).namespace);
      const keys = first === last ? [block.first] : (await this.#readBlocks([block], signal)).flat().map(({ key }) => key);
      for (const key of keys) found.add(parseKey(key).namespace);
    }
    return [...found].filter((namespace) => namespace !== '').sort(compareKeys);
  }

  async find(key: string, signal: AbortSignal): Promise<ItemRecord | undefined> {
    const blocks = this.#blocks.filter(({ first, last }) => first <= key && key <= last);
    return (await this.#readBlocks(blocks, signal)).flat().find((record) => record.key === key);
  }

  async #readRuns(runs: readonly (readonly Block[])[], signal: AbortSignal): Promise<ItemRecord[]> {
    const records = await this.#readBlocks(runs.flat(), signal);
    let at = 0;
    return runs.flatMap((run) => {
      const own = records.slice(at, (at += run.length)).flat();
      return run.length === 1 ? own : own.sort((left, right) => compareKeys(left.key, right.key));
    });
  }

  /** The records of each block. One request for each span of neighbours. */
  async #readBlocks(blocks: readonly Block[], signal: AbortSignal): Promise<ItemRecord[][]> {
    const records: ItemRecord[][] = [];
    for (const span of spansOf(blocks)) {
      const start = span[0]?.offset ?? 0;
      const bytes = await this.#file.read(start, lengthOf(span), signal);
      records.push(...(await Promise.all(span.map((block) => this.#parse(block, bytes.subarray(block.offset - start))))));
    }
    return records;
  }

  async #parse(block: Block, bytes: Uint8Array): Promise<ItemRecord[]> {
    const what = `${this.#file.key}: block at ${block.offset}`;
    const lines = (await expand(bytes.subarray(0, block.length), what)).toString().split('\n').slice(0, -1);
    if (lines.length !== block.items) throw new ArchiveDamaged(`${what}: it has ${lines.length} items instead of ${block.items}`);
    return parseJson(`[${lines.join(',')}]`, what) as ItemRecord[];
  }
}

/** Rejects with ArchiveDamaged. `count` items are in it. One request, or two where the index is unusually large. */
export async function openItems(file: StoredFile, count: number, signal: AbortSignal): Promise<ItemsReader> {
  const tailStart = Math.max(0, file.bytes - Math.max(leastTail, Math.ceil(count * tailPerItem)));
  const tail = await file.read(tailStart, file.bytes - tailStart, signal);
  const footer = decodeFooter(tail.subarray(-footerBytes), file.bytes);
  if (!footer) throw new ArchiveDamaged(`${file.key}: it does not end as an items file does`);
  const { indexOffset: start, indexLength: length } = footer;
  const index = start >= tailStart ? tail.subarray(start - tailStart, start - tailStart + length) : await file.read(start, length, signal);
  const what = `${file.key}: index`;
  const blocks = parseJson((await expand(index, what)).toString(), what);
  if (!Array.isArray(blocks) || !blocks.every(isBlock)) throw new ArchiveDamaged(`${what}: it names no blocks`);
  return new ItemsReader(file, blocks);
}

function isBlock(value: unknown): value is Block {
  const { resource, first, last, offset, length, items } = (value ?? {}) as Partial<Record<keyof Block, unknown>>;
  const isText = [resource, first, last].every((one) => typeof one === 'string');
  return isText && [offset, length, items].every((one) => Number.isSafeInteger(one) && Number(one) >= 0);
}

/** Cut where blocks are not neighbours, or where there would be too much to read at once. */
function spansOf(blocks: readonly Block[]): Block[][] {
  const spans: Block[][] = [];
  for (const block of blocks) {
    const span = spans.at(-1);
    const before = span?.at(-1);
    const follows = span && before && before.offset + before.length === block.offset && lengthOf(span) + block.length <= longestSpan;
    if (follows) span.push(block);
    else spans.push([block]);
  }
  return spans;
}

function lengthOf(span: readonly Block[]): number {
  const last = span.at(-1);
  return last ? last.offset + last.length - (span[0]?.offset ?? 0) : 0;
}

const countOf = (run: readonly Block[]) => run.reduce((sum, { items }) => sum + items, 0);

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ArchiveDamaged(`${what}: it is not JSON`, { cause: error });
  }
}
