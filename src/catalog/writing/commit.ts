/**
 * Group commit: one loop takes all that waits, checks it, seals it into one segment and puts that into the next slot. Who loses
 * the race for a slot applies the winner's segment, checks again and takes new numbers.
 */
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { Change } from '../../machinery/storage.ts';
import { StorageUnavailable, StorageUnknown } from '../../machinery/storage.ts';
import { digestText } from '../state/digest.ts';
import type { Follower } from '../log/follower.ts';
import type { Guard } from '../rollback/guard.ts';
import type { Attempt, Outcome, SegmentLog } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import { sealSegment, unknownOf } from '../log/segment.ts';
import type { Staged } from './stage.ts';
import { stage } from './stage.ts';
import type { State } from '../state/state.ts';
import type { PendingWrite } from './write-queue.ts';
import { WriteQueue } from './write-queue.ts';

export interface CommitterParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly segments: SegmentLog;
  readonly state: State;
  readonly follower: Follower;
  readonly guard: Guard;
  readonly writer: { readonly replica: string; readonly boot: string };
}

/** Milliseconds to wait after a lost race: doubled each time up to the last, and as much again by chance. */
const firstPause = 4;
const lastPause = 256;
/** Milliseconds between two rounds of finding out what became of a segment. */
const resolvePause = 1000;

/** Why nothing is written to a log with features of writing that are not known here. */
export function writersMustKnow(features: readonly string[]): string {
  return `the log may only be written by versions of Kylon that know: ${features.join(', ')}`;
}

export class Committer {
  readonly #parts: CommitterParts;
  readonly #queue = new WriteQueue();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  /** Why writing has stopped for now: a segment of which nobody knows whether it is in its slot. */
  #unresolved: Error | undefined;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  async submit(change: Change, signal: AbortSignal): Promise<number> {
    checkForm(change);
    this.#parts.state.check();
    if (this.#closing.signal.aborted) throw new StorageUnavailable('the catalog is closed');
    if (this.#unresolved !== undefined) throw this.#unresolved;
    const reply = this.#queue.add(change, signal);
    this.#running ??= this.#run();
    return reply;
  }

  /** Waits for the commit that is going on; what has not begun is refused. */
  async close(): Promise<void> {
    this.#closing.abort(new StorageUnavailable('the catalog is closed'));
    this.#queue.fail(new StorageUnavailable('the catalog is closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    // Not at once: all that is written in the same tick goes into one commit.
    await Promise.resolve();
    while (!this.#queue.isEmpty) await this.#commit(this.#queue.take());
    this.#running = undefined;
  }

  async #commit(batch: readonly PendingWrite[]): Promise<void> {
    for (let losses = 0; ; losses++) {
      const writes = batch.filter(({ settled }) => !settled);
      if (writes.length === 0) return;
      try {
        if (await this.#tryCommit(writes)) return;
      } catch (error) {
        for (const write of writes) write.settle(asStorageError(error));
        return;
      }
      await this.#pause(losses);
    }
  }

  /** Answers all and says true; or says false when the state they were checked against was not the newest. */
  async #tryCommit(writes: readonly PendingWrite[]): Promise<boolean> {
    const { state, follower, guard } = this.#parts;
    follower.stir();
    await guard.ifDue();
    let staged = await this.#stage(writes);
    if (staged.records.length === 0) {
      // Nothing to put, so nothing proves that the refusals are true: ask once, and check against what is found. What others write
      // after that does not matter; else who is refused would get no answer for as long as others write without a pause.
      await follower.refresh(this.#closing.signal);
      if (state.head.n !== staged.head.n) staged = await this.#stage(writes);
    }
    if (staged.records.length > 0 && !(await this.#put(staged, writes))) return false;
    for (const [i, write] of writes.entries()) write.settle(staged.replies[i] ?? new StorageUnknown('no reply'));
    return true;
  }

  #stage(writes: readonly PendingWrite[]): Promise<Staged> {
    const { state } = this.#parts;
    return state.still((head) =>
      stage(
        writes.map(({ change }) => change),
        head,
        (key) => state.get(key),
      ),
    );
  }

  async #put(staged: Staged, writes: readonly PendingWrite[]): Promise<boolean> {
    const { segments, state } = this.#parts;
    const segment = await this.#seal(staged);
    const attempt: Attempt = { n: segment.header.n, bytes: segment.bytes, mayLand: false };
    const outcome = await segments.append(attempt, this.#closing.signal);
    if (outcome.is === 'refused')
      throw new StorageUnavailable(`the store does not take the change: ${outcome.cause.message}`, { cause: outcome.cause });
    if (outcome.is === 'unknown') {
      await this.#resolve(attempt, outcome, writes);
      return true;
    }
    if (outcome.is === 'taken') {
      await this.#parts.follower.refresh(AbortSignal.any([]));
      return false;
    }
    try {
      await state.advanceWithOwn(segment, segments.key(attempt.n));
    } catch (error) {
      throw new StorageUnknown(`the change is in the log, but cannot be shown here: ${messageOf(error)}`, { cause: error });
    }
    return true;
  }

  #seal({ head, records }: Staged): Promise<Segment> {
    const { clock, ids, segments, writer } = this.#parts;
    const unknown = unknownOf(head.features.write);
    if (unknown.length > 0) throw new StorageUnavailable(writersMustKnow(unknown));
    const draft = {
      domain: segments.domain,
      n: head.n + 1,
      prev: head.hash,
      firstRV: head.rv + 1,
      attempt: ids.hex(16),
      writer,
      time: new Date(clock.now()).toISOString(),
      features: head.features,
      digest: digestText(head.digest),
    };
    return sealSegment(draft, records);
  }

  /** Tells the callers that it is not known, and writes nothing else until it is. */
  async #resolve(attempt: Attempt, first: Outcome & { cause?: Error }, writes: readonly PendingWrite[]): Promise<void> {
    const { clock, log, segments } = this.#parts;
    const cause = messageOf(first.cause);
    log.warn('the outcome of a write is not known', { segment: segments.key(attempt.n), cause });
    for (const write of writes) write.settle(new StorageUnknown(`the change may have been written or not: ${cause}`));
    this.#unresolved = new StorageUnavailable(`it is not known yet what became of an earlier write: ${cause}`);
    while (!this.#closing.signal.aborted) {
      this.#queue.fail(this.#unresolved);
      await clock.sleep(resolvePause, this.#closing.signal).catch(() => {});
      const outcome = await segments.append(attempt, this.#closing.signal);
      if (outcome.is === 'committed' || outcome.is === 'taken') break;
    }
    this.#unresolved = undefined;
    log.info('the outcome of the write is known', { segment: segments.key(attempt.n) });
  }

  async #pause(losses: number): Promise<void> {
    const { clock, ids } = this.#parts;
    const pause = Math.min(firstPause * 2 ** losses, lastPause);
    const chance = Number.parseInt(ids.hex(1), 16) / 256;
    await clock.sleep(pause * (1 + chance), this.#closing.signal).catch(() => {});
  }
}

function asStorageError(error: unknown): Error {
  if (error instanceof StorageUnavailable || error instanceof StorageUnknown) return error;
  return new StorageUnavailable(messageOf(error), { cause: error });
}

/** What could not be told apart in the log or the index is a mistake of the caller. */
function checkForm(change: Change): void {
  const { resource, namespace, name } = change.key;
  if (resource === '' || name === '' || [resource, namespace, name].some((part) => /[\0\n]/.test(part)))
    throw new TypeError(`not a key: ${JSON.stringify(change.key)}`);
  if (change.op !== 'delete' && (change.json.includes('\n') || !change.json.startsWith('{') || !change.json.endsWith('}')))
    throw new TypeError('an object is kept as JSON text on one line');
}
