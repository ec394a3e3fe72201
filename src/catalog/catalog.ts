/** The catalog: the storage of the machinery on a log in an object store. docs/format.md describes what lies there. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import { withDeadline } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Change, ListQuery, ObjectKey, Storage, Stored, StoredEvent, StoredPage, WatchQuery } from '../machinery/storage.ts';
import { StorageExpired, StorageFuture, StorageReadOnly } from '../machinery/storage.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { Anchor } from './rollback/anchor.ts';
import { AnchorKeeper } from './rollback/anchor-keeper.ts';
import { firstHead } from './state/apply.ts';
import { checkNotOvertaken } from './rollback/beyond.ts';
import { loadCheckpoint } from './checkpoint/checkpoint-load.ts';
import type { CheckpointPolicy } from './checkpoint/checkpointer.ts';
import { Checkpointer } from './checkpoint/checkpointer.ts';
import { Committer, writersMustKnow } from './writing/commit.ts';
import { checkMarked, checkRemembered, checkSame } from './place/emptied.ts';
import { doubt, DoubtfulIndex, openFittingIndex, rememberedBy } from './local-index/fitting-index.ts';
import { Follower } from './log/follower.ts';
import { Guard } from './rollback/guard.ts';
import { proveIndex } from './local-index/index-proof.ts';
import type { IndexView } from './local-index/index-view.ts';
import type { KvHome } from './local-index/kv.ts';
import { SegmentLog } from './log/log.ts';
import { unknownOf } from './log/segment.ts';
import { openMarker } from './place/marker.ts';
import { pageOf } from './reading/pages.ts';
import { domainPattern } from './paths.ts';
import type { HistoryWindow } from './state/prune.ts';
import { checkWhole } from './rollback/rollback.ts';
import { State } from './state/state.ts';
import { watch } from './reading/watch.ts';

export interface CatalogOptions {
  /** Stays the caller's, who closes it after the catalog. */
  readonly store: ObjectStore;
  /** Whether `store` encrypts what is put into it. Must be what it was when the store was first used. Default: false. */
  readonly encrypted?: boolean;
  /** Why nothing may be written to `store`: then every write is refused, and a new store too. */
  readonly readOnly?: string | undefined;
  /** Which of the logs in the store: the uid of a cluster. */
  readonly domain: string;
  /** For the index, and nothing else: it is destroyed when it does not fit. */
  readonly index: KvHome;
  /** Remembers how far the log was seen, though the index is lost. Without one, an emptied store cannot be told from a new one. */
  readonly anchor?: Anchor | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Names this process in what it writes. */
  readonly replica: string;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
  /** Milliseconds between two looks for what others wrote, when nobody reads. */
  readonly interval?: number;
  /** The history that is kept at least. */
  readonly window?: HistoryWindow;
  /** When checkpoints are made. */
  readonly checkpoints?: CheckpointPolicy;
}

const defaultInterval = 1000;
const defaultWindow: HistoryWindow = { changes: 10_000, milliseconds: 10 * 60 * 1000 };
/** Milliseconds that a reader waits for a number that is not there yet. */
const futurePatience = 3000;

/** Rejects with a CatalogFault that names object and fault when the log is not sound, and with what the store says. */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const { domain, signal = AbortSignal.any([]) } = options;
  if (!domainPattern.test(domain)) throw new Error(`"${domain}" cannot name a domain: letters, digits and - only, 63 at most`);
  const life = new AbortController();
  const abort = () => life.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await open(options, life).catch((error: unknown) => {
      if (error instanceof DoubtfulIndex) return open(options, life);
      throw error;
    });
  } catch (error) {
    life.abort(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function open(options: CatalogOptions, life: AbortController): Promise<Catalog> {
  const { store, domain, ids, clock, log, replica, window = defaultWindow, interval = defaultInterval } = options;
  await using opened = new AsyncDisposableStack();
  // Of a store that does not last, no anchor is kept, and then nothing needs to be remembered.
  const seen = options.anchor && ((await options.anchor.read(life.signal)) ?? (await rememberedBy(options.index, domain)));
  const marked = await checkMarked(store, domain, seen, life.signal);
  const marker = await openMarker(store, ids, life.signal, options.encrypted, options.readOnly);
  checkSame(marked, marker);
  const segments = new SegmentLog(store, domain, clock, life.signal);
  await checkRemembered(segments, marker, seen);
  const identity = { store: marker.store, domain };
  const index = opened.adopt(await openFittingIndex(options.index, identity, segments), (one) => one.close());
  const head = index.found ?? (await loadCheckpoint({ store, domain, index, log }, life.signal)) ?? firstHead;
  const state = new State({ index, head, domain, clock, window });
  const follower = new Follower({ log, clock, segments, state, interval });
  await follower.start().catch((error: unknown) => doubt(error, index));
  await checkWhole(segments, state.head);
  await checkNotOvertaken(store, { segments, state, follower }, life.signal);
  state.goLive();
  const guard = new Guard({ clock, log, segments, state });
  const keeper = options.anchor && new AnchorKeeper({ anchor: options.anchor, store: marker.store, state, clock, log });
  await keeper?.write();
  const writer = { replica, boot: ids.hex(8) };
  const committer = new Committer({ clock, ids, log, segments, state, follower, guard, writer });
  const { readOnly } = options;
  const checkpoints = { store, domain, clock, ids, log, state, writer, policy: options.checkpoints };
  const checkpointer = readOnly === undefined ? new Checkpointer(checkpoints) : undefined;
  const prove = index.found && ((signal: AbortSignal) => proveIndex({ state, clock, log }, signal));
  opened.move();
  return new Catalog({ state, follower, committer, checkpointer, guard, keeper, prove, readOnly, clock, life });
}

interface CatalogParts {
  readonly state: State;
  readonly follower: Follower;
  readonly committer: Committer;
  readonly checkpointer: Checkpointer | undefined;
  readonly guard: Guard;
  readonly keeper: AnchorKeeper | undefined;
  /** Of an index that was there before. */
  readonly prove: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly readOnly: string | undefined;
  readonly clock: Clock;
  readonly life: AbortController;
}

export class Catalog implements Storage {
  readonly #parts: CatalogParts;
  readonly #background: Promise<unknown>;
  #closed: Promise<void> | undefined;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
    const { follower, checkpointer, guard, keeper, prove } = parts;
    const { signal } = parts.life;
    const always = [follower.tail(signal), guard.run(signal)];
    this.#background = Promise.all([...always, checkpointer?.run(signal), keeper?.run(signal), prove?.(signal)]);
  }

  /** Resolves to what ended it: a fault, or its being closed. From then on everything is refused. */
  get ended(): Promise<Error> {
    return this.#parts.state.ended;
  }

  /** Why there is none in its place yet: told to everybody from here on, once it has ended. */
  explain(cause: Error): void {
    this.#parts.state.explain(cause);
  }

  /** Why nothing can be written; undefined where that is possible. */
  get readOnly(): string | undefined {
    const { readOnly, state } = this.#parts;
    const unknown = unknownOf(state.head.features.write);
    return readOnly ?? (unknown.length === 0 ? undefined : writersMustKnow(unknown));
  }

  async get(key: ObjectKey, signal: AbortSignal): Promise<Stored | undefined> {
    await this.#parts.follower.refresh(signal);
    return this.peek(key);
  }

  peek(key: ObjectKey): Stored | undefined {
    const found = this.#parts.state.get(key);
    return found === undefined ? undefined : { key, ...found };
  }

  async list(query: ListQuery, signal: AbortSignal): Promise<StoredPage> {
    const { state, follower } = this.#parts;
    signal.throwIfAborted();
    if (query.at === 'latest') await follower.refresh(signal);
    else if (query.at !== 'any') await this.#reach(query.at.rv, signal);
    const view = state.view();
    const rv = typeof query.at === 'object' && query.at.exact ? query.at.rv : view.rv;
    return pageOf(query, rv, await this.#showing(rv, view), () => state.view(), signal);
  }

  async write(change: Change, signal: AbortSignal): Promise<number> {
    const { committer, readOnly } = this.#parts;
    if (readOnly !== undefined) throw new StorageReadOnly(readOnly);
    return committer.submit(change, signal);
  }

  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly StoredEvent[]> {
    return watch(this.#parts.state, query, signal);
  }

  current(): number {
    this.#parts.state.check();
    return this.#parts.state.head.rv;
  }

  async latest(signal: AbortSignal): Promise<number> {
    await this.#parts.follower.refresh(signal);
    return this.current();
  }

  /** Refuses everything from here on; resolves when the commit that is going on is done and the index is closed. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { committer, state, life } = this.#parts;
    await committer.close();
    const closed = new Error('the catalog is closed');
    state.end(closed);
    life.abort(closed);
    await this.#background;
    await this.#parts.keeper?.write();
    await state.close();
  }

  /** Waits until number `rv` is there. */
  async #reach(rv: number, signal: AbortSignal): Promise<void> {
    const { state, follower, clock } = this.#parts;
    state.check();
    if (rv <= state.head.rv) return;
    const late = () => new StorageFuture(`number ${rv} is not there yet: the newest is ${state.head.rv}`, state.head.rv);
    await withDeadline(clock, futurePatience, signal, late, (within) => {
      const reached = state.hub.reached(rv, within);
      // Another process may have written it; whether that can be asked is no concern of this reader.
      follower.refresh(within).catch(() => {});
      return reached;
    });
  }

  async #showing(rv: number, view: IndexView): Promise<IndexView> {
    if (rv >= view.horizon) return view;
    await view.close();
    throw new StorageExpired(`number ${rv} is not kept any more: the oldest is ${view.horizon}`);
  }
}
