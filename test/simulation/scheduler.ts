/**
 * The only thing in a simulation that makes anything happen: a queue of events at virtual times, those of one time in random
 * order. An event is over when every promise that it settled has had its effect; then comes the next. So one seed is one history.
 */
import { Random } from './random.ts';

export interface Scheduled {
  readonly at: number;
  readonly tie: number;
  readonly label: string;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Virtual milliseconds in which whoever gives up its turn has it again. */
const far = 1000;
/** How often a list gives it up at most: between two pieces, of which it has no more than there are objects. */
const turns = 20;

export class Scheduler {
  readonly #random: Random;
  readonly #heap: Scheduled[] = [];
  #now = 0;
  #hash = 0;
  /** When all had their turn that wanted it: time has not gone on by more than `far` since. */
  #turned = 0;
  #events = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** Milliseconds since the history began. */
  get now(): number {
    return this.#now;
  }

  get events(): number {
    return this.#events;
  }

  /** Of all that has happened, in its order. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Adds to what tells this history from others. */
  mark(text: string): void {
    let hash = this.#hash ^ Math.imul(this.#now + 1, 0x9e3779b1);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.#hash = hash;
  }

  after(ms: number, label: string, run: () => void): Scheduled {
    const event = { at: this.#now + Math.max(ms, 0), tie: this.#random.bits(), label, run, isCancelled: false };
    this.#push(event);
    return event;
  }

  /** Runs events until `isOver`, the queue is empty, or the time is `until`. */
  run(until: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        try {
          const event = isOver() ? undefined : this.#next(until);
          if (event === undefined) return resolve();
          this.#now = event.at;
          if (this.#now - this.#turned > far) this.#turned = this.#now;
          this.#events++;
          this.mark(event.label);
          event.run();
        } catch (error) {
          return reject(error);
        }
        // A tick that a microtask asks for comes when all microtasks are done, and costs a fifth of a hop over the macrotasks.
        queueMicrotask(() => process.nextTick(() => this.#goOn(step, turns)));
      };
      setImmediate(() => this.#goOn(step, turns));
    });
  }

  /** Before time moves far, code that waits for nothing but its turn gets it, as often as it wants. */
  #goOn(step: () => void, left: number): void {
    const next = this.#first()?.at;
    if (next !== undefined && next - this.#turned <= far) return step();
    if (left > 0) return void setImmediate(() => this.#goOn(step, left - 1));
    step();
  }

  #next(until: number): Scheduled | undefined {
    const first = this.#first();
    if (first !== undefined && first.at <= until) {
      this.#pop();
      return first;
    }
    if (Number.isFinite(until)) this.#now = Math.max(this.#now, until);
    return undefined;
  }

  /** What comes next, of what was not cancelled. */
  #first(): Scheduled | undefined {
    while (this.#heap[0]?.isCancelled) this.#pop();
    return this.#heap[0];
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}
