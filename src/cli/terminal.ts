/** What a command is given: everything that it may touch of the world. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { Metrics } from '../base/metrics.ts';

export interface Terminal {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line on standard output. */
  say(text: string): void;
}
