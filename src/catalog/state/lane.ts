/** Runs one piece of work after the other, in the order in which they came. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
