/** Bytes of pages of a list in compact JSON. To make them costs more than to send them; they are kept as long as the page is. */
import type { Shown } from '../representation.ts';

type Page = readonly Shown[];

interface Kept {
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** For one look of pages: whoever asks for another needs another one of these. */
export class PageBytes {
  /** Of pages at the start of a list, before which no comma stands, and behind it. */
  readonly #first = new WeakMap<Page, Kept>();
  readonly #later = new WeakMap<Page, Kept>();

  /** What `make` said of the page, and what it says if that was true only until a time that is over. */
  of(page: Page, isFirst: boolean, now: number, make: () => { readonly text: string; readonly until: number }): Uint8Array {
    const known = isFirst ? this.#first : this.#later;
    const found = known.get(page);
    if (found && now < found.until) return found.bytes;
    const { text, until } = make();
    const bytes = Buffer.from(text);
    known.set(page, { bytes, until });
    return bytes;
  }
}
