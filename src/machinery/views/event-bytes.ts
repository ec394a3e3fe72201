/** Bytes of events, for one look of them that is the same for all watches: a change goes out to many. */
import type { EventType, Shown } from '../representation.ts';

export class EventBytes {
  /** By what is shown, which lasts as long as somebody has yet to send it. */
  readonly #known = new WeakMap<Shown, { readonly type: EventType; readonly bytes: Uint8Array }>();

  /** A selector may make another type of the same change. */
  of(type: EventType, shown: Shown, make: () => string): Uint8Array {
    const found = this.#known.get(shown);
    if (found?.type === type) return found.bytes;
    const bytes = Buffer.from(make());
    this.#known.set(shown, { type, bytes });
    return bytes;
  }
}
