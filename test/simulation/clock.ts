/** The clocks of a simulated process: the wall clock may be wrong by days and jump, the other one goes as time goes. */
import type { Clock } from '../../src/base/clock.ts';
import type { Life } from './life.ts';

const start = Date.UTC(2026, 0, 2, 3, 4, 5);

/** What the machine of a replica believes. */
export interface Wall {
  /** Milliseconds ahead of the true time. */
  ahead: number;
}

export class SimulatedClock implements Clock {
  readonly #life: Life;
  readonly #wall: Wall;

  constructor(life: Life, wall: Wall) {
    this.#life = life;
    this.#wall = wall;
  }

  now(): number {
    return start + this.#life.scheduler.now + this.#wall.ahead;
  }

  monotonic(): number {
    return this.#life.scheduler.now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = () => {
        event.isCancelled = true;
        reject(signal.reason as Error);
      };
      const event = this.#life.post(ms, 'wakes', () => {
        signal.removeEventListener('abort', fail);
        resolve();
      });
      signal.addEventListener('abort', fail, { once: true });
      if (signal.aborted) fail();
    });
  }
}
