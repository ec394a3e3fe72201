/**
 * One run of a process, from its start to its end. Whatever it waits for comes through here: nothing comes to a dead process,
 * and to a paused one only when it goes on. So a process that was killed does nothing any more.
 */
import type { Scheduled, Scheduler } from './scheduler.ts';

export class Life {
  /** For traces: the replica, and which of its runs this is. */
  readonly name: string;
  readonly scheduler: Scheduler;
  #isDead = false;
  #isPaused = false;
  #held: (() => void)[] = [];

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.scheduler = scheduler;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Lets something come to the process after `ms` milliseconds. */
  post(ms: number, label: string, run: () => void): Scheduled {
    const event = this.scheduler.after(ms, `${this.name} ${label}`, () => this.#deliver(event, label, run));
    return event;
  }

  kill(): void {
    this.#isDead = true;
    this.#held = [];
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  #deliver(event: Scheduled, label: string, run: () => void): void {
    if (this.#isDead) return;
    if (!this.#isPaused) return run();
    this.#held.push(() => {
      this.scheduler.after(0, `${this.name} ${label}`, () => {
        if (!event.isCancelled) this.#deliver(event, label, run);
      });
    });
  }
}
