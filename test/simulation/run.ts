/** Runs histories one after the other, and adds up what happened in them. */
import { planOf } from './plan.ts';
import type { Violation } from './checked.ts';
import { runHistory } from './run-history.ts';

export interface Run {
  readonly histories: number;
  readonly events: number;
  /** How often what has happened. */
  readonly counts: ReadonlyMap<string, number>;
  /** The first history that breaks an invariant. */
  readonly failed: { readonly seed: number; readonly violations: readonly Violation[] } | undefined;
}

/** Stops at the first history that fails. */
export async function runHistories(first: number, count: number): Promise<Run> {
  // Nobody looks at the stacks of the many errors that are meant to be.
  Error.stackTraceLimit = 0;
  const counts = new Map<string, number>();
  let events = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await runHistory(planOf(seed));
    events += result.events;
    for (const [what, times] of result.counts) counts.set(what, (counts.get(what) ?? 0) + times);
    if (result.violations.length > 0)
      return { histories: seed - first + 1, events, counts, failed: { seed, violations: result.violations } };
  }
  return { histories: count, events, counts, failed: undefined };
}
