/**
 * Bounds on requests that last as long as their clients let them, so that slow clients keep nobody waiting.
 *
 * A request enters the fast lane. Once its client has been waited for `clientTime` in all, it makes way for whoever waits, and goes into the slow lane,
 * where it may take any time. Where that has no room, it is ended, but only for a namespace that has no place at all, or has no more than its own
 * afterwards: so no namespace keeps another out, and requests of one alone end none of each other. While the store is waited for no time counts, and
 * nobody is ended.
 */
import type { Clock } from '../../base/clock.ts';
import { Refused, comeAgain } from './exchange.ts';

/** Milliseconds. */
const clientTime = 5000;

/** Requests at once. */
export interface LaneBounds {
  readonly fast: number;
  readonly slow: number;
  /** Of one namespace in the slow lane. */
  readonly slowOfOne: number;
  readonly waiting: number;
}

/** Given back when it is disposed of, once or more often, and when the signal of its request aborts. */
export interface Place extends Disposable {
  /** Aborts as that of the request, and with Refused 503 when the place is lost. */
  readonly signal: AbortSignal;
  /** For what only a fast request may hold: aborts also when it goes into the slow lane. */
  readonly fast: AbortSignal;
  /** The client is waited for until what is returned is disposed of; once at a time. */
  clientsTurn(): Disposable;
}

export class Lanes {
  readonly #bounds: LaneBounds;
  readonly #clock: Clock;
  /** All in the order in which they came. */
  readonly #waiting = new Set<Waiter>();
  readonly #fast = new Set<TakenPlace>();
  readonly #slow = new Set<TakenPlace>();

  constructor(bounds: LaneBounds, clock: Clock) {
    this.#bounds = bounds;
    this.#clock = clock;
  }

  /**
   * Waits for a place in the fast lane. One that may not be slow, for what it holds of the store, is ended where others would make way. Rejects with the
   * reason of the signal, and with Refused 503 where too many wait.
   */
  async enter(namespace: string, signal: AbortSignal, maySlow = true): Promise<Place> {
    signal.throwIfAborted();
    const { waiting } = this.#bounds;
    if (this.#waiting.size >= waiting) throw new Refused(503, `${waiting} requests wait already`, comeAgain);
    const { promise, resolve, reject } = Promise.withResolvers<Place>();
    const waiter: Waiter = {
      namespace,
      admit: () => {
        signal.removeEventListener('abort', leave);
        resolve(this.#take(namespace, maySlow, signal));
      },
    };
    const leave = () => {
      this.#waiting.delete(waiter);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.add(waiter);
    this.#advance();
    return promise;
  }

  #take(namespace: string, maySlow: boolean, signal: AbortSignal): TakenPlace {
    const place = new TakenPlace(namespace, maySlow, signal, this.#clock, {
      late: () => this.#advance(),
      left: () => {
        if (this.#fast.delete(place) || this.#slow.delete(place)) this.#advance();
      },
    });
    this.#fast.add(place);
    return place;
  }

  /** Lets in whoever waits and has room, or gets it. */
  #advance(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#waiting.delete(next);
      next.admit();
    }
  }

  #next(): Waiter | undefined {
    if (this.#waiting.size === 0) return undefined;
    if (this.#fast.size < this.#bounds.fast || this.#moveOne())
      return leastOf(this.#waiting, ({ namespace }) => countOf(this.#fast, namespace));
    const poorest = leastOf(this.#waiting, ({ namespace }) => this.#placesOf(namespace));
    return poorest !== undefined && this.#endOneFor(poorest.namespace) ? poorest : undefined;
  }

  /** Whether one went into the slow lane. */
  #moveOne(): boolean {
    const { slow, slowOfOne } = this.#bounds;
    if (this.#slow.size >= slow) return false;
    const place = this.#late().find(({ namespace, maySlow }) => maySlow && countOf(this.#slow, namespace) < slowOfOne);
    if (place === undefined) return false;
    this.#fast.delete(place);
    this.#slow.add(place);
    place.slowDown();
    return true;
  }

  /** Whether one was ended, of the namespace that has most: the one that came last, as least of it is lost. */
  #endOneFor(namespace: string): boolean {
    const place = leastOf(this.#late().toReversed(), (late) => -this.#placesOf(late.namespace));
    if (place === undefined) return false;
    const own = this.#placesOf(namespace);
    if (own > 0 && own + 1 > this.#placesOf(place.namespace) - 1) return false;
    this.#fast.delete(place);
    place.end();
    return true;
  }

  #late(): readonly TakenPlace[] {
    return [...this.#fast].filter((place) => place.isLate());
  }

  #placesOf(namespace: string): number {
    return countOf(this.#fast, namespace) + countOf(this.#slow, namespace);
  }
}

interface Waiter {
  readonly namespace: string;
  readonly admit: () => void;
}

interface Listener {
  /** The client was waited for too long, and still is. */
  readonly late: () => void;
  readonly left: () => void;
}

class TakenPlace implements Place {
  readonly namespace: string;
  readonly maySlow: boolean;
  readonly signal: AbortSignal;
  readonly fast: AbortSignal;
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #request: AbortSignal;
  readonly #lost = new AbortController();
  readonly #slowed = new AbortController();
  readonly #over = new AbortController();
  readonly #leave = () => this[Symbol.dispose]();
  readonly #turn = { [Symbol.dispose]: () => this.#endTurn() };
  /** Milliseconds for which the client was waited for before. */
  #waited = 0;
  /** By the monotonic clock. */
  #waitingSince: number | undefined;

  constructor(namespace: string, maySlow: boolean, request: AbortSignal, clock: Clock, listener: Listener) {
    this.namespace = namespace;
    this.maySlow = maySlow;
    this.signal = AbortSignal.any([request, this.#lost.signal]);
    this.fast = AbortSignal.any([this.signal, this.#slowed.signal]);
    this.#clock = clock;
    this.#listener = listener;
    this.#request = request;
    request.addEventListener('abort', this.#leave, { once: true });
    this.#watch().catch(() => {});
  }

  clientsTurn(): Disposable {
    this.#waitingSince = this.#clock.monotonic();
    if (!this.#slowed.signal.aborted && this.isLate()) this.#listener.late();
    return this.#turn;
  }

  /** Never while the store is waited for. */
  isLate(): boolean {
    return this.#waitingSince !== undefined && this.#timeLeft() <= 0;
  }

  slowDown(): void {
    this.#over.abort(over);
    this.#slowed.abort(slowed);
  }

  end(): void {
    this[Symbol.dispose]();
    this.#lost.abort(new Refused(503, 'it took long, and others wait', { ...comeAgain, Connection: 'close' }));
  }

  [Symbol.dispose](): void {
    this.#request.removeEventListener('abort', this.#leave);
    this.#over.abort(over);
    this.#listener.left();
  }

  #timeLeft(): number {
    const now = this.#clock.monotonic();
    return clientTime - this.#waited - (now - (this.#waitingSince ?? now));
  }

  #endTurn(): void {
    this.#waited = clientTime - this.#timeLeft();
    this.#waitingSince = undefined;
  }

  async #watch(): Promise<void> {
    for (let left = clientTime; left > 0; left = this.#timeLeft()) await this.#clock.sleep(left, this.#over.signal);
    this.#listener.late();
  }
}

/** Seen by nobody; made once, since they are needed for every request. */
const over = new Error('the request is in no fast lane any more');
const slowed = new Error('the request is in the slow lane');

const countOf = (places: ReadonlySet<TakenPlace>, namespace: string) => [...places].filter((place) => place.namespace === namespace).length;

/** The first of those of which it is least. */
function leastOf<T>(items: Iterable<T>, measure: (item: T) => number): T | undefined {
  let found: T | undefined;
  let least = Infinity;
  for (const item of items) {
    const measured = measure(item);
    if (measured < least) [found, least] = [item, measured];
  }
  return found;
}
