/** One run of some work for everybody who asked before it started. */
export class SharedRun {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves with a run that starts after this call. At most one runs at a time. */
  run(): Promise<void> {
    this.#next ??= this.#start(this.#running);
    return this.#next;
  }

  async #start(before: Promise<void> | undefined): Promise<void> {
    // Never at once: all who ask in the same tick share the run.
    await before?.catch(() => {});
    await Promise.resolve();
    this.#running = this.#next;
    this.#next = undefined;
    try {
      await this.#work();
    } finally {
      if (this.#next === undefined) this.#running = undefined;
    }
  }
}
