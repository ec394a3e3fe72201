/** The catalog's state in this process: the index, where it stands, and who waits for it to move. Only segments move it. */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectKey } from '../../machinery/storage.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';
import type { Head, Version } from './apply.ts';
import { effectOf, Fork } from './apply.ts';
import { ChangeTimes } from './change-times.ts';
import { CatalogFault, ForkedLog } from '../fault.ts';
import type { IndexStore } from '../local-index/index-store.ts';
import type { IndexView } from '../local-index/index-view.ts';
import { Lane } from './lane.ts';
import type { HistoryWindow } from './prune.ts';
import { forgetAll, pruneOf } from './prune.ts';
import type { Segment } from '../log/segment.ts';
import { openSegment } from '../log/segment.ts';
import { WatchHub } from '../reading/watch-hub.ts';

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
  readonly #times: ChangeTimes;
  readonly #ended = Promise.withResolvers<Error>();
  #head: Head;
  #appliedBytes = 0;
  #end: Error | undefined;

  constructor(parts: StateParts) {
    this.#parts = parts;
    this.#head = parts.head;
    void parts.index.damage.then((damage) => this.condemn(new Error(`the index is damaged and is made anew: ${damage.message}`)));
    this.#times = new ChangeTimes(parts.clock, parts.head.rv);
  }

  get head(): Head {
    return this.#head;
  }

  /** Of all segments that were applied since this state was made. */
  get appliedBytes(): number {
    return this.#appliedBytes;
  }

  /** Resolves to what ended this state, once something has. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
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

  /** From here on everybody is told this, of a state that has ended. */
  explain(cause: Error): void {
    this.#end = cause;
  }

  /** What is applied from here on has just been written. */
  goLive(): void {
    this.#times.goLive();
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
   * follows would be wrong too. What looks damaged is asked for once more: it may have been hurt on its way only.
   */
  advance(n: number, object: string, bytes: Uint8Array, again: () => Promise<Uint8Array | undefined>): Promise<void> {
    const place = { domain: this.#parts.domain, n };
    return this.#inTurn(n, async () => {
      const segment = await openSegment(bytes, object, place).catch(async (fault: unknown) => {
        const second = await again();
        if (second === undefined) throw fault;
        return openSegment(second, object, place);
      });
      await this.#apply(segment, object);
    });
  }

  /** As advance, with a segment that this process has sealed. */
  advanceWithOwn(segment: Segment, object: string): Promise<void> {
    return this.#inTurn(segment.header.n, () => this.#apply(segment, object));
  }

  /** As IndexStore.faultOf. */
  faultOfIndex(pause: () => Promise<void>): Promise<string | undefined> {
    this.check();
    return this.#parts.index.faultOf(pause);
  }

  /** Ends this state because its index is not what the log says. Nobody uses that index again. */
  async condemn(cause: Error): Promise<void> {
    this.end(cause);
    // An index that cannot be written any more is found out when it is opened.
    await this.#lane.run(() => this.#parts.index.condemn()).catch(() => {});
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
    const { index, window } = this.#parts;
    const effect = this.#effectOf(segment, object);
    const isJump = segment.header.count === 0;
    const pruned = isJump ? await forgetAll(index, effect.head) : await pruneOf(index, effect.head, window, this.#times);
    const head = { ...effect.head, horizon: pruned.horizon };
    await index.write([...effect.ops, ...pruned.ops], head);
    this.#head = head;
    this.#appliedBytes += segment.bytes.length;
    if (isJump) this.hub.expire(`the store has gone back, and numbers go on behind ${head.rv}`);
    this.hub.publish(effect.events, head.rv);
  }

  #effectOf(segment: Segment, object: string): ReturnType<typeof effectOf> {
    const time = this.#times.timeOf(segment.header.time);
    try {
      return effectOf(this.#head, segment, (key) => this.#parts.index.get(key), time);
    } catch (error) {
      if (error instanceof Fork) throw new ForkedLog(object, error.message);
      throw error instanceof StorageUnavailable ? error : new CatalogFault(object, messageOf(error));
    }
  }
}
