/** What a running restore did last, for those who look while it runs; all of it is stored at the end. */
import type { ItemResult, ResultPage } from '../../resources/services.ts';

const kept = 10_000;

export class RecentResults {
  readonly #results: ItemResult[] = [];
  /** How many are forgotten. */
  #start = 0;

  add(result: ItemResult): void {
    this.#results.push(result);
    if (this.#results.length < 2 * kept) return;
    this.#results.splice(0, kept);
    this.#start += kept;
  }

  /** The token is the number of the next result. On the last page there may be more to come later. */
  page({ limit, continue: token, outcome }: { limit: number; continue: string; outcome?: string }): ResultPage {
    const items: ItemResult[] = [];
    let next = Math.max(Number(token) || 0, this.#start);
    for (; items.length < limit && next < this.#start + this.#results.length; next++) {
      const result = this.#results[next - this.#start];
      if (result && (outcome === undefined || result.outcome === outcome)) items.push(result);
    }
    return { items, continue: next < this.#start + this.#results.length ? String(next) : '' };
  }
}
