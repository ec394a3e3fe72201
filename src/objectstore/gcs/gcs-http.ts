/**
 * One request to the JSON API of Google Cloud Storage: sent once, given up at a deadline or when its signal aborts.
 *
 * Not sent by the SDK, because the SDK, at 8.4.0, deletes an object whose checksum it does not like, which would make the name
 * free again; takes `maxRetries: 0` for three; cannot abort what it has sent; and destroys the connections of all other
 * requests when one download breaks.
 */
import type { Clock } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import { codeOf } from '../../base/system-errors.ts';
import type { GcsPlace } from './gcs-place.ts';
import { StoreError, StoreUnavailable } from '../objectstore.ts';

/** The headers that say who asks; none for nobody. Rejects with a StoreError. */
export type Authorize = () => Promise<Headers>;

export interface GcsCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Begins with a slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Begins a message: the name of the store and what was tried. */
  readonly what: string;
}

export interface GcsAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Milliseconds until an answer, or the next piece of one, must be there. */
const patience = 60_000;
/** Bytes in a millisecond on the slowest line that is of use. */
const slowest = 64;
const pieceBytes = 1024 * 1024;

export class GcsHttp {
  readonly #place: GcsPlace;
  readonly #authorize: Authorize;
  readonly #clock: Clock;

  constructor(place: GcsPlace, authorize: Authorize, clock: Clock) {
    this.#place = place;
    this.#authorize = authorize;
    this.#clock = clock;
  }

  /** Resolves with the whole answer, whatever its status. Rejects with a StoreUnavailable when there is none. */
  async ask(call: GcsCall, signal: AbortSignal): Promise<GcsAnswer> {
    return this.#within(call, signal, async (stop) => answerOf(await this.#send(call, stop)));
  }

  /** As ask, but the body is still to come. */
  async open(call: GcsCall, signal: AbortSignal): Promise<Response> {
    return this.#within(call, signal, (stop) => this.#send(call, AbortSignal.any([signal, stop])));
  }

  /** The body of a response, of which exactly `length` bytes are expected. */
  async *pieces(response: Response, length: number, what: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const iterator = response.body?.[Symbol.asyncIterator]();
    let left = length;
    try {
      for (;;) {
        const next = await this.#within({ what }, signal, async () => iterator?.next());
        if (next === undefined || next.done) break;
        left -= next.value.length;
        if (left < 0) break;
        for (let at = 0; at < next.value.length; at += pieceBytes) yield next.value.subarray(at, at + pieceBytes);
      }
      if (left !== 0) throw new StoreUnavailable(`${what}: the answer is ${left < 0 ? 'longer' : 'shorter'} than announced`);
    } finally {
      iterator?.return?.().catch(() => {});
    }
  }

  async #send(call: GcsCall, signal: AbortSignal): Promise<Response> {
    const url = new URL(`${this.#place.endpoint}${call.path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    if (this.#place.project !== undefined) url.searchParams.set('userProject', this.#place.project);
    const headers = new Headers(await this.#authorize());
    // Nothing is stored compressed, and nothing may be unpacked on the way.
    headers.set('accept-encoding', 'identity');
    for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
    return fetch(url, {
      method: call.method,
      headers,
      body: call.body ?? null,
      redirect: 'manual',
      signal,
    });
  }

  async #within<T>(call: Pick<GcsCall, 'what' | 'body'>, signal: AbortSignal, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const ms = patience + (call.body?.length ?? 0) / slowest;
    const late = () => new StoreUnavailable(`${call.what}: no answer within ${Math.round(ms / 1000)} s`);
    signal.throwIfAborted();
    try {
      return await withDeadline(this.#clock, ms, signal, late, work);
    } catch (error) {
      if (error instanceof StoreError || signal.aborted) throw error;
      throw new StoreUnavailable(`${call.what}: no answer from ${this.#place.endpoint} (${causeOf(error)})`, { cause: error });
    }
  }
}

export async function answerOf(response: Response): Promise<GcsAnswer> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** fetch says no more than that it failed; why is told by the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return codeOf(cause) ?? messageOf(cause);
}
