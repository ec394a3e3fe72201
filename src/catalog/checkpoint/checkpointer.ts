/**
 * Makes checkpoints while the log grows, and keeps the newest three. It reads a snapshot of the index little by little, so that
 * nobody waits for it; and whatever goes wrong with one, the log is as good as before.
 */
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDamaged, StoreNotFound } from '../../objectstore/objectstore.ts';
import type { CheckpointHeader } from './checkpoint-format.ts';
import { encodeCheckpoint, readCheckpoint, readHeader } from './checkpoint-format.ts';
import { CheckpointFault } from './checkpoint-frames.ts';
import type { ListedCheckpoint } from './checkpoint-list.ts';
import { checkHistory, listCheckpoints } from './checkpoint-list.ts';
import { provePause, proveIndex } from '../local-index/index-proof.ts';
import { checkpointKey, logPrefix, segmentKey } from '../paths.ts';
import { unknownOf } from '../log/segment.ts';
import type { State } from '../state/state.ts';

/** When there is a new checkpoint: as soon as one of the two is behind the last. */
export interface CheckpointPolicy {
  readonly segments: number;
  /** Bytes of the log; or as many as the last checkpoint has, where that is more. */
  readonly bytes: number;
  /** Milliseconds between two looks at whether it is time. */
  readonly interval: number;
}

export interface CheckpointerParts {
  readonly store: ObjectStore;
  readonly domain: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly state: State;
  readonly writer: CheckpointHeader['writer'];
  readonly policy?: CheckpointPolicy | undefined;
}

const defaultPolicy: CheckpointPolicy = { segments: 1000, bytes: 8 * 1024 * 1024, interval: 5000 };
const mostKept = 3;
/** Milliseconds after a failure: doubled each time, up to the last. */
const firstRetry = 60_000;
const lastRetry = 3600_000;
/** A header is in the first bytes of a checkpoint: of some hundred bytes, and the names of features. */
const headerRange = { start: 0, length: 64 * 1024 };

/** The newest checkpoint, as far as is known here, and how much log was behind it then. */
interface Base {
  readonly n: number;
  readonly size: number;
  readonly behind: number;
  /** State.appliedBytes at that time. */
  readonly applied: number;
}

export class Checkpointer {
  readonly #parts: CheckpointerParts;
  readonly #policy: CheckpointPolicy;
  #base: Base | undefined;

  constructor(parts: CheckpointerParts) {
    this.#parts = parts;
    this.#policy = parts.policy ?? defaultPolicy;
  }

  /** Until `life` aborts or the state ends. */
  async run(life: AbortSignal): Promise<void> {
    const { clock, ids, log, state } = this.#parts;
    for (let retry = firstRetry, pause = this.#policy.interval; ;) {
      // As much again by chance, so that several replicas do not make the same one at the same time.
      const chance = Number.parseInt(ids.hex(1), 16) / 256;
      await clock.sleep(pause * (1 + chance), life).catch(() => {});
      if (life.aborted || state.hasEnded) return;
      try {
        await this.look(life);
        [retry, pause] = [firstRetry, this.#policy.interval];
      } catch (error) {
        if (life.aborted || state.hasEnded) return;
        log.warn('no checkpoint could be made', { cause: messageOf(error) });
        [retry, pause] = [Math.min(2 * retry, lastRetry), retry];
        if (error instanceof CheckpointFault) await proveIndex(this.#parts, life);
      }
    }
  }

  /** Makes a checkpoint if it is time for one. */
  async look(signal: AbortSignal): Promise<void> {
    if (unknownOf(this.#parts.state.head.features.write).length > 0) return;
    if (this.#base !== undefined && !this.#isDue(this.#base)) return;
    // Another replica may have made one since.
    this.#base = await this.#findBase(signal);
    if (this.#isDue(this.#base)) this.#base = await this.#make(signal);
  }

  /** Never for what the last one has: the log may have grown by segments that are not applied here yet. */
  #isDue({ n, size, behind, applied }: Base): boolean {
    const { head, appliedBytes } = this.#parts.state;
    const { segments, bytes } = this.#policy;
    if (head.n <= n) return false;
    return head.n - n >= segments || behind + appliedBytes - applied >= Math.max(bytes, size);
  }

  async #findBase(signal: AbortSignal): Promise<Base> {
    const { store, domain, state } = this.#parts;
    const applied = state.appliedBytes;
    const { n, size } = (await this.#newestGood(signal)) ?? { n: 0, size: 0 };
    let behind = 0;
    for await (const segment of store.list(logPrefix(domain), signal, n === 0 ? undefined : segmentKey(domain, n))) {
      behind += segment.size;
      if (behind >= Math.max(this.#policy.bytes, size)) break;
    }
    return { n, size, behind, applied };
  }

  async #newestGood(signal: AbortSignal): Promise<ListedCheckpoint | undefined> {
    const { store, domain } = this.#parts;
    for (const one of (await listCheckpoints(store, domain, signal)).toReversed()) if (await this.#isGood(one, signal)) return one;
    return undefined;
  }

  async #make(signal: AbortSignal): Promise<Base> {
    const { log, state } = this.#parts;
    const applied = state.appliedBytes;
    const made = await this.#upload(signal);
    try {
      await this.#verify(made, signal);
    } catch (error) {
      // What is left of it, if it is, does no harm: who loads it sees the same fault.
      await this.#parts.store.delete(made.key, signal).catch(() => {});
      throw error;
    }
    log.info('a checkpoint was made', { checkpoint: made.key, bytes: made.size });
    await this.#deleteOlder(made, signal);
    return { ...made, behind: 0, applied };
  }

  async #upload(signal: AbortSignal): Promise<ListedCheckpoint> {
    const { store, domain, clock, ids, state, writer } = this.#parts;
    const view = state.view();
    try {
      const { head } = view;
      const key = checkpointKey(domain, head.n, ids.hex(8));
      const made = { domain, writer, time: new Date(clock.now()).toISOString() };
      const { bytes } = await store.upload(key, this.#paced(encodeCheckpoint(head, made, view.entries()), signal), signal);
      return { key, n: head.n, size: bytes };
    } finally {
      await view.close();
    }
  }

  /** Reads it back: nothing is deleted for the sake of what cannot be read. */
  async #verify({ key, n }: ListedCheckpoint, signal: AbortSignal): Promise<void> {
    const { store, domain } = this.#parts;
    const { body } = await store.stream(key, signal);
    await readCheckpoint(body, {
      begin: (header) => checkHistory(store, { domain, n }, header, signal),
      take: () => this.#pause(signal),
    });
  }

  /** Those below the third newest of this log. One of another history or damaged counts for nothing, and goes with them. */
  async #deleteOlder(made: ListedCheckpoint, signal: AbortSignal): Promise<void> {
    const { store, domain } = this.#parts;
    const older = (await listCheckpoints(store, domain, signal)).filter(({ key }) => key < made.key);
    let kept = 1;
    for (const one of older.toReversed()) {
      if (kept === mostKept) await store.delete(one.key, signal);
      else if (await this.#isGood(one, signal)) kept += 1;
    }
  }

  /** As far as its header tells. */
  async #isGood({ key, n }: ListedCheckpoint, signal: AbortSignal): Promise<boolean> {
    const { store, domain } = this.#parts;
    try {
      const { body } = await store.stream(key, signal, headerRange);
      await checkHistory(store, { domain, n }, await readHeader(body), signal);
      return true;
    } catch (error) {
      if (error instanceof CheckpointFault || error instanceof StoreDamaged || error instanceof StoreNotFound) return false;
      throw error;
    }
  }

  async *#paced<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
    for await (const item of items) {
      yield item;
      await this.#pause(signal);
    }
  }

  /** Others come first. */
  async #pause(signal: AbortSignal): Promise<void> {
    await this.#parts.clock.sleep(provePause, signal);
  }
}
