/** Runs through one resource of both sides at once, in order of keys: what is only here, only there, or in both but not the same. */
import type { ItemRecord } from '../archive/item-record.ts';
import type { Entry, Gap, Page } from './sides.ts';
import { isGap } from './sides.ts';
import type { Place } from './token.ts';

/** A pair, or where the comparison is while nothing differs; or why something was left out. */
export interface Step {
  readonly at: Omit<Place, 'resource'>;
  readonly saved?: ItemRecord;
  readonly entry?: Entry;
  readonly gap?: string;
}

/** A list that does not come in order of keys cannot be compared so. */
export class OutOfOrder extends Error {
  override readonly name = 'OutOfOrder';
}

export async function* merge(
  saved: AsyncIterable<readonly ItemRecord[]>,
  pages: AsyncIterable<Page | Gap>,
  after: string,
): AsyncIterable<Step> {
  const merger = new Merger(new Cursor(saved), after);
  await merger.begin();
  for await (const found of pages) yield* isGap(found) ? merger.gap(found) : merger.page(found);
  yield* merger.onlySaved(() => true);
}

class Merger {
  readonly #cursor: Cursor;
  readonly #start: string;
  #at: Step['at'];

  constructor(cursor: Cursor, after: string) {
    this.#cursor = cursor;
    this.#start = after;
    this.#at = { after, namespace: '', page: '' };
  }

  begin(): Promise<void> {
    return this.#cursor.advance();
  }

  async *gap({ start, covers, why }: Gap): AsyncIterable<Step> {
    yield* this.onlySaved((key) => key < start);
    for (let saved = this.#cursor.current; saved && covers(saved.key); saved = this.#cursor.current) await this.#pass(saved.key);
    yield { at: this.#at, gap: why };
  }

  async *page({ entries, next, ...place }: Page): AsyncIterable<Step> {
    this.#at = { ...place, after: this.#at.after };
    for (const entry of entries) {
      const { current } = this.#cursor;
      if (current && entry.isBytes(current.sha256)) await this.#pass(current.key);
      else if (entry.key > this.#start) yield* this.#entry(entry);
    }
    this.#at = { ...this.#at, page: next || this.#at.page };
    yield { at: this.#at };
  }

  async *onlySaved(passes: (key: string) => boolean): AsyncIterable<Step> {
    for (let saved = this.#cursor.current; saved && passes(saved.key); saved = this.#cursor.current) {
      await this.#pass(saved.key);
      yield { at: this.#at, saved };
    }
  }

  async *#entry(entry: Entry): AsyncIterable<Step> {
    const { key } = entry;
    if (key <= this.#at.after) throw new OutOfOrder(`its list is not in order: ${key} comes after ${this.#at.after}`);
    yield* this.onlySaved((other) => other < key);
    const saved = this.#cursor.current;
    const isBoth = saved?.key === key;
    if (isBoth) await this.#pass(key);
    else this.#at = { ...this.#at, after: key };
    yield { at: this.#at, entry, ...(isBoth && { saved }) };
  }

  /** The record with this key, which is the current one, is done. */
  async #pass(key: string): Promise<void> {
    this.#at = { ...this.#at, after: key };
    await this.#cursor.advance();
  }
}

/** One record at a time. */
class Cursor {
  readonly #batches: AsyncIterator<readonly ItemRecord[]>;
  #batch: readonly ItemRecord[] = [];
  #index = -1;

  constructor(batches: AsyncIterable<readonly ItemRecord[]>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** Undefined at the end, and before the first advance. */
  get current(): ItemRecord | undefined {
    return this.#batch[this.#index];
  }

  async advance(): Promise<void> {
    this.#index += 1;
    while (this.#index >= this.#batch.length) {
      const next = await this.#batches.next();
      if (next.done) return;
      this.#batch = next.value;
      this.#index = 0;
    }
  }
}
