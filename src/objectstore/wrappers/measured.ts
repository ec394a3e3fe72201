/** Counts requests to a store by operation and outcome, their seconds and bytes. */
import type { Clock } from '../../base/clock.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { ObjectStore } from '../objectstore.ts';
import { StoreError } from '../objectstore.ts';

export interface MeasureParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export function measured(store: ObjectStore, parts: MeasureParts): ObjectStore {
  const { begin, sent, received } = meterOf(parts);
  return {
    name: store.name,
    putIfAbsent: async (key, body, signal, sha256) => {
      const outcome = await begin('put', signal).whole(
        () => store.putIfAbsent(key, body, signal, sha256),
        (answer) => answer,
      );
      sent(body.length);
      return outcome;
    },
    upload: (key, body, signal) => begin('upload', signal).whole(() => store.upload(key, counted(body, sent), signal)),
    read: async (key, signal, range) => {
      const bytes = await begin('read', signal).whole(() => store.read(key, signal, range));
      received(bytes.length);
      return bytes;
    },
    stream: async (key, signal, range) => {
      const request = begin('stream', signal);
      const { size, body } = await request.first(() => store.stream(key, signal, range));
      return { size, body: counted(request.rest(body), received) };
    },
    size: (key, signal) => begin('size', signal).whole(() => store.size(key, signal)),
    list: (prefix, signal, startAfter) => begin('list', signal).rest(store.list(prefix, signal, startAfter)),
    delete: (key, signal) => begin('delete', signal).whole(() => store.delete(key, signal)),
    close: () => store.close(),
  };
}

type Operation = 'put' | 'upload' | 'read' | 'stream' | 'size' | 'list' | 'delete';

function meterOf({ clock, metrics }: MeasureParts) {
  const requests = metrics.counter('kylon_objectstore_requests_total', 'Requests to the object store.', ['operation', 'outcome']);
  const seconds = metrics.histogram('kylon_objectstore_request_duration_seconds', 'How long the object store was waited for.', [
    'operation',
  ]);
  const bytes = metrics.counter('kylon_objectstore_bytes_total', 'Content sent to the object store and received from it.', ['direction']);
  return {
    begin: (operation: Operation, signal: AbortSignal) =>
      new Request(clock, signal, (outcome, ms) => {
        requests({ operation, outcome });
        seconds({ operation }, ms / 1000);
      }),
    sent: (count: number) => bytes({ direction: 'sent' }, count),
    received: (count: number) => bytes({ direction: 'received' }, count),
  };
}

/** Reported once, when it is over. Only the time counts in which the store is waited for, not that of who reads the answer. */
class Request {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #report: (outcome: string, ms: number) => void;
  #ms = 0;

  constructor(clock: Clock, signal: AbortSignal, report: (outcome: string, ms: number) => void) {
    this.#clock = clock;
    this.#signal = signal;
    this.#report = report;
  }

  /** A request with one answer. */
  async whole<T>(work: () => Promise<T>, outcomeOf: (answer: T) => string = () => 'ok'): Promise<T> {
    const answer = await this.first(work);
    this.#report(outcomeOf(answer), this.#ms);
    return answer;
  }

  /** What has to be there before the rest: reported only if it fails. */
  async first<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#wait(work);
    } catch (error) {
      this.#report(this.#outcomeOf(error), this.#ms);
      throw error;
    }
  }

  async *rest<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]();
    let outcome = 'ok';
    try {
      for (let next = await this.#wait(() => iterator.next()); !next.done; next = await this.#wait(() => iterator.next())) yield next.value;
    } catch (error) {
      outcome = this.#outcomeOf(error);
      throw error;
    } finally {
      this.#report(outcome, this.#ms);
      await iterator.return?.();
    }
  }

  async #wait<T>(work: () => Promise<T>): Promise<T> {
    const since = this.#clock.monotonic();
    try {
      return await work();
    } finally {
      this.#ms += this.#clock.monotonic() - since;
    }
  }

  /** `not_found` of StoreNotFound, `error` of what is no error of a store. */
  #outcomeOf(error: unknown): string {
    if (this.#signal.aborted) return 'aborted';
    if (!(error instanceof StoreError)) return 'error';
    return error.name
      .replace('Store', '')
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')
      .toLowerCase();
  }
}

async function* counted(pieces: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    count(piece.length);
    yield piece;
  }
}
