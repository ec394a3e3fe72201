/** Who sends a body: waited for as long as something comes. One timer watches all of it, as there may be a hundred thousand pieces. */
import type { Clock } from '../../base/clock.ts';
import { Refused } from './exchange.ts';
import type { Place } from './lanes.ts';

/** Milliseconds without a byte, after which a sender is taken for dead: others wait for its place. */
const longestSilence = 60_000;

export class Sender {
  readonly #body: AsyncIterator<Uint8Array>;
  readonly #clock: Clock;
  readonly #place: Place | undefined;
  readonly #signal: AbortSignal;
  /** Since when a piece is waited for, by the monotonic clock. */
  #waitingSince: number | undefined;
  #giveUp: (reason: unknown) => void = () => {};

  /** `signal` aborts at the end of the request, and when its place is lost, if it needs one. */
  constructor(body: AsyncIterable<Uint8Array>, clock: Clock, place: Place | undefined, signal: AbortSignal) {
    this.#body = body[Symbol.asyncIterator]();
    this.#clock = clock;
    this.#place = place;
    this.#signal = signal;
    this.#watch().catch((reason: unknown) => this.#giveUp(reason));
  }

  /** Rejects with Refused when the sender breaks off or falls silent, and with the reason of the signal. */
  async next(): Promise<IteratorResult<Uint8Array>> {
    this.#signal.throwIfAborted();
    const { promise: never, reject } = Promise.withResolvers<never>();
    this.#giveUp = reject;
    this.#waitingSince = this.#clock.monotonic();
    using _ = this.#place?.clientsTurn();
    try {
      return await Promise.race([never, this.#body.next().catch(brokeOff)]);
    } finally {
      this.#waitingSince = undefined;
    }
  }

  /** Rejects when nothing more is to be waited for. */
  async #watch(): Promise<never> {
    for (let left = longestSilence; left > 0;) {
      await this.#clock.sleep(left, this.#signal);
      const now = this.#clock.monotonic();
      left = (this.#waitingSince ?? now) + longestSilence - now;
    }
    throw fellSilent();
  }
}

function brokeOff(cause: unknown): never {
  throw new Refused(400, 'the body of the request broke off', {}, { cause });
}

/** What it may still be sending is not waited for, so that the connection is of no more use. */
const fellSilent = () => new Refused(408, `nothing of the file came for ${longestSilence / 1000} s`, { Connection: 'close' });
