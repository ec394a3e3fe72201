/** The steps of a run as `status.steps` shows them: each is written down before it begins, and when it has ended. */
import { rfc3339 } from '../../base/clock.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Step } from '../../resources/replacement.ts';
import { failureOf } from './failure.ts';
import { statusOf } from './run-status.ts';
import type { Work } from './run.ts';

export class Steps {
  readonly #work: Work;
  #steps: readonly Step[];

  /** Goes on with those of an earlier run of the same object. */
  constructor(work: Work) {
    this.#work = work;
    this.#steps = (statusOf(work.object)['steps'] as readonly Step[] | undefined) ?? [];
  }

  get(name: string): Step | undefined {
    return this.#steps.find((step) => step.name === name);
  }

  /** Resolves to what `body` does, of which `told` says what was done, for people; rejects with what it rejects with. */
  async within<T>(name: string, body: () => Promise<T>, told: (done: T) => string): Promise<T> {
    const { run, signal } = this.#work;
    const startTimestamp = this.get(name)?.startTimestamp ?? this.#now();
    await this.#write({ name, phase: 'InProgress', startTimestamp });
    try {
      const done = await body();
      const message = told(done);
      run.log.info(`${name}: ${message}`);
      await this.#write({ name, phase: 'Completed', startTimestamp, completionTimestamp: this.#now(), message });
      return done;
    } catch (error) {
      if (!signal.aborted) await this.#fail(name, startTimestamp, error);
      throw error;
    }
  }

  /** Why it failed counts for more than that this was not written down. */
  async #fail(name: string, startTimestamp: string, error: unknown): Promise<void> {
    const { reason, message } = failureOf(error);
    const failed = { name, phase: 'Failed', startTimestamp, completionTimestamp: this.#now(), message: `${reason}: ${message}` } as const;
    await this.#write(failed).catch((failure: unknown) => this.#work.run.log.warn(`${name} was not written down: ${messageOf(failure)}`));
  }

  #now(): string {
    return rfc3339(this.#work.parts.clock.now());
  }

  async #write(step: Step): Promise<void> {
    const isThere = this.get(step.name) !== undefined;
    this.#steps = isThere ? this.#steps.map((one) => (one.name === step.name ? step : one)) : [...this.#steps, step];
    await this.#work.save({ steps: this.#steps });
  }
}
