/** Deletes backups whose time has come. Knows when each one expires, and looks at the wall clock: expiration is a date. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectRef } from '../../machinery/objects.ts';

export interface ExpiryParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly remove: (target: ObjectRef, signal: AbortSignal) => Promise<void>;
}

/** Milliseconds after which the wall clock is looked at again, in case somebody set it. */
const longestSleep = 60_000;
/** Before what could not be deleted is tried again. */
const retryDelay = 10_000;

interface Due {
  readonly target: ObjectRef;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export class Expiry {
  readonly #parts: ExpiryParts;
  readonly #due = new Map<string, Due>();
  /** Aborts when something may be due earlier than was known. */
  #wake = new AbortController();

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** The backup expires then; `expiration` is RFC 3339. Undefined: never. */
  set(target: ObjectRef, expiration: string | undefined): void {
    const at = Date.parse(expiration ?? '');
    if (Number.isNaN(at)) this.#due.delete(target.uid);
    else this.#due.set(target.uid, { target, at });
    this.#wake.abort();
  }

  forget(uid: string): void {
    this.#due.delete(uid);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#removeDue(signal);
      const next = Math.min(...[...this.#due.values()].map(({ at }) => at)) - this.#parts.clock.now();
      const ms = Math.min(Math.max(next, 0), longestSleep);
      await this.#parts.clock.sleep(ms, AbortSignal.any([signal, this.#wake.signal])).catch(() => {});
    }
  }

  async #removeDue(signal: AbortSignal): Promise<void> {
    const now = this.#parts.clock.now();
    for (const { target, at } of [...this.#due.values()].filter(({ at }) => at <= now)) {
      try {
        this.#parts.log.info('a backup has expired', { namespace: target.namespace, name: target.name });
        await this.#parts.remove(target, signal);
        this.#due.delete(target.uid);
      } catch (error) {
        this.#parts.log.warn('an expired backup was not deleted', { name: target.name, error: messageOf(error) });
        this.#due.set(target.uid, { target, at: Math.max(at, now + retryDelay) });
      }
    }
  }
}
