/** All that takes part in one history: the bucket, replicas and clients, and the time in which they live. */
import { Bucket } from './bucket.ts';
import type { Violation } from './checked.ts';
import { Client } from './client.ts';
import { History } from './history.ts';
import type { Plan } from './plan.ts';
import { seedOf } from './random.ts';
import type { Setting } from './replica.ts';
import { Replica } from './replica.ts';
import { Scheduler } from './scheduler.ts';

/** Milliseconds of virtual time within which all is well again once nothing fails any more. */
const recovery = 120_000;

export class World {
  readonly plan: Plan;
  readonly setting: Setting;
  readonly scheduler: Scheduler;
  readonly history: History;
  readonly bucket: Bucket;
  readonly client: Client;
  readonly replicas: readonly Replica[];
  readonly violations: Violation[] = [];
  /** How many there are, and whether they are to come to an end. */
  informers = 0;
  isOver = false;
  /** Steps of clients that are not done yet. */
  going = 0;

  constructor(plan: Plan, tell: ((line: string) => void) | undefined) {
    this.plan = plan;
    this.setting = plan.setting;
    this.scheduler = new Scheduler(seedOf(plan.seed, -1));
    this.history = new History(tell && ((line) => tell(`${this.scheduler.now.toFixed(0).padStart(10)} ms  ${line}`)));
    this.bucket = new Bucket(this.scheduler, () => this.history.moment());
    this.client = new Client(this.history);
    this.replicas = Array.from({ length: plan.replicas }, (_, i) => this.replica(`r${i}`, i));
  }

  /** One that has never run; `part` tells its seed from others. */
  replica(name: string, part: number): Replica {
    return new Replica(name, this, seedOf(this.plan.seed, -2 - part));
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.scheduler.after(ms, 'somebody comes again', resolve));
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.scheduler.run(this.scheduler.now + ms, () => false);
  }

  fail(invariant: string, message: string): void {
    this.violations.push({ invariant, message });
  }

  /** Lets time pass until it is so. Once faults have stopped, that must not take long. */
  async within(what: string, isTrue: () => boolean): Promise<void> {
    await this.scheduler.run(this.scheduler.now + recovery, isTrue);
    if (!isTrue()) this.fail('liveness', `${what}: not within ${recovery / 1000} s after all faults had stopped`);
  }

  /** As within, until the work is done. */
  async done(what: string, work: Promise<unknown>): Promise<void> {
    let isDone = false;
    void work.finally(() => (isDone = true));
    await this.within(what, () => isDone);
  }
}
