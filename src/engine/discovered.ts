/** Which resources there are, for what comes in pages: the first one asks, and those behind it go on with what that was told. */
import type { Clock } from '../base/clock.ts';
import type { Cluster, Discovery } from '../cluster/cluster.ts';

/** Milliseconds for which they may go on so; then it is asked again. */
const lasting = 300_000;

export class Discovered {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  #latest: { readonly discovery: Discovery; readonly until: number } | undefined;

  constructor({ cluster, clock }: { readonly cluster: Cluster; readonly clock: Clock }) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  async forPage(isFirst: boolean, signal: AbortSignal): Promise<Discovery> {
    const latest = this.#latest;
    if (!isFirst && latest && this.#clock.monotonic() < latest.until) return latest.discovery;
    const discovery = await this.#cluster.discover(signal);
    this.#latest = { discovery, until: this.#clock.monotonic() + lasting };
    return discovery;
  }
}
