/** The catalog's state in this process: the index, where it stands, and who waits for it to move. Only segments move it. */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import type { ObjectKey } from '../machinery/storage.ts';
import { StorageUnavailable } from '../machinery/storage.ts';
import type { Head, Version } from './apply.ts';
import { effectOf } from './apply.ts';
import { CatalogFault } from './fault.ts';
import type { IndexStore } from './index-store.ts';
import type { IndexView } from './index-view.ts';
import { Lane } from './lane.ts';
import type { HistoryWindow } from './prune.ts';
import { pruneOf } from './prune.ts';
import type { Segment } from './segment.ts';
import { openSegment } from './segment.ts';
import { WatchHub } from './watch-hub.ts';

export interface StateParts {
  readonly index: IndexStore;
  /** Where the index stands. */
  readonly head: Head;
  readonly domain: string;
  readonly clock: Clock;
  readonly window: HistoryWindow;
}

export class State {
  readonly hub = new WatchHub();
  readonly #parts: StateParts;
  readonly #lane = new Lane();
  readonly #ended = Promise.withResolvers<Error>();
  #head: Head;
  #end: Error | undefined;

  constructor(parts: StateParts) {
    this.#parts = parts;
    this.#head = parts.head;
  }

  get head(): Head {
    return this.#head;
  }

  /** Resolves to what ended this state, once something has. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Throws what ended this state, if anything did. */
  check(): void {
    if (this.#end !== undefined) throw new StorageUnavailable(this.#end.message, { cause: this.#end });
  }

  /** Nothing is answered from here on, and nothing applied: `cause` is what everybody is told. */
  end(cause: Error): void {
    this.#end ??= cause;
    this.#ended.resolve(this.#end);
    this.hub.end(new StorageUnavailable(this.#end.message, { cause: this.#end }));
  }

  get(key: ObjectKey): Version | undefined {
    this.check();
    return this.#parts.index.get(key);
  }

  view(): IndexView {
    this.check();
    return this.#parts.index.view();
  }

  /** Runs `work` while no segment is being applied, so that head and index agree. */
  still<T>(work: (head: Head) => T): Promise<T> {
    return this.#lane.run(() => {
      this.check();
      return work(this.#head);
    });
  }

  /**
   * Applies the bytes of slot `n`, unless that was done already. Whatever is wrong with them ends this state, because all that
   * follows would be wrong too.
   */
  advance(n: number, object: string, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(n, async () => this.#apply(await openSegment(bytes, object, { domain: this.#parts.domain, n }), object));
  }

  /** As advance, with a segment that this process has sealed. */
  advanceWithOwn(segment: Segment, object: string): Promise<void> {
    return this.#inTurn(segment.header.n, () => this.#apply(segment, object));
  }

  /** Waits for the work that is going on, and closes the index. */
  async close(): Promise<void> {
    await this.#lane.run(() => this.#parts.index.close());
  }

  #inTurn(n: number, apply: () => Promise<void>): Promise<void> {
    return this.#lane.run(async () => {
      if (n <= this.#head.n) return;
      this.check();
      try {
        await apply();
      } catch (error) {
        this.end(error instanceof CatalogFault ? error : new Error(`the index cannot be written: ${messageOf(error)}`, { cause: error }));
        throw error;
      }
    });
  }

  async #apply(segment: Segment, object: string): Promise<void> {
    const { index, clock, window } = this.#parts;
    const effect = this.#effectOf(segment, object);
    const pruned = await pruneOf(index, effect.head, window, clock.now());
    const head = { ...effect.head, horizon: pruned.horizon };
    await index.write([...effect.ops, ...pruned.ops], head);
    this.#head = head;
    this.hub.publish(effect.events, head.rv);
  }

  #effectOf(segment: Segment, object: string): ReturnType<typeof effectOf> {
    try {
      return effectOf(this.#head, segment, (key) => this.#parts.index.get(key));
    } catch (error) {
      throw error instanceof StorageUnavailable ? error : new CatalogFault(object, messageOf(error));
    }
  }
}
