/** Two rows of entries as one: what lies above counts, and an entry without a value there says that there is none. */
import type { Bounds, KvReader } from './kv.ts';
import { compareText } from './text-order.ts';

/** What lies beneath: entries of a moment, or none. */
export type Beneath = Pick<KvReader, 'get' | 'entries'> & { reaches(bounds: Bounds): boolean };

/** The value of a key that is beneath and was deleted. */
export const deleted = '';

type Page = readonly [string, string][];

export class Layers implements KvReader {
  readonly #above: KvReader;
  readonly #beneath: () => Beneath | undefined;

  constructor(above: KvReader, beneath: () => Beneath | undefined) {
    this.#above = above;
    this.#beneath = beneath;
  }

  get(key: string): string | undefined {
    const value = this.#above.get(key);
    if (value === undefined) return this.#beneath()?.get(key);
    return value === deleted ? undefined : value;
  }

  entries(bounds: Bounds, limit = -1): AsyncGenerator<Page> {
    const beneath = this.#beneath();
    if (!beneath?.reaches(bounds)) return this.#above.entries(bounds, limit);
    const all = overlaid(this.#above.entries(bounds), beneath.entries(bounds));
    return limit < 0 ? all : firstOf(all, limit);
  }

  async *keys(bounds: Bounds): AsyncGenerator<readonly string[]> {
    if (!this.#beneath()?.reaches(bounds)) yield* this.#above.keys(bounds);
    else for await (const page of this.entries(bounds)) yield page.map(([key]) => key);
  }
}

async function* overlaid(above: AsyncGenerator<Page>, beneath: AsyncGenerator<Page>): AsyncGenerator<Page> {
  const upper = new Cursor(above);
  try {
    await upper.turn();
    for await (const page of beneath) {
      const last = page.at(-1)?.[0];
      if (last === undefined) continue;
      if (!upper.reaches(last)) yield page;
      else yield living(await merged(upper, page, last));
    }
    for (; !upper.isDone; await upper.turn()) yield living(upper.rest());
  } finally {
    await above.return(undefined);
  }
}

/** The entries of `page`, and of what lies above those up to `last`, which is its end. */
async function merged(upper: Cursor, page: Page, last: string): Promise<Page> {
  const entries: [string, string][] = [];
  let at = 0;
  while (upper.reaches(last)) {
    const [key] = upper.entry;
    for (; compareText((page[at] as [string, string])[0], key) < 0; at++) entries.push(page[at] as [string, string]);
    if (page[at]?.[0] === key) at++;
    entries.push(upper.entry);
    await upper.step();
  }
  return [...entries, ...page.slice(at)];
}

const living = (page: Page) => page.filter(([, value]) => value !== deleted);

async function* firstOf(pages: AsyncGenerator<Page>, limit: number): AsyncGenerator<Page> {
  let left = limit;
  if (left === 0) return;
  for await (const page of pages) {
    yield page.length > left ? page.slice(0, left) : page;
    left -= page.length;
    if (left <= 0) return;
  }
}

/** A place in a row of pages. */
class Cursor {
  readonly #pages: AsyncGenerator<Page>;
  #page: Page = [];
  #at = 0;
  isDone = false;

  constructor(pages: AsyncGenerator<Page>) {
    this.#pages = pages;
  }

  /** Only while it is not done. */
  get entry(): [string, string] {
    return this.#page[this.#at] as [string, string];
  }

  /** Whether its entry is `key` or lies before it. */
  reaches(key: string): boolean {
    return !this.isDone && compareText(this.entry[0], key) <= 0;
  }

  /** What is left of the page. */
  rest(): Page {
    return this.#page.slice(this.#at);
  }

  async step(): Promise<void> {
    this.#at++;
    if (this.#at === this.#page.length) await this.turn();
  }

  /** On to the next page. */
  async turn(): Promise<void> {
    const { value, done } = await this.#pages.next();
    this.isDone = done === true;
    this.#page = value ?? [];
    this.#at = 0;
  }
}
