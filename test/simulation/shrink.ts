/** Finds the steps of a failing history without which it does not fail any more. */
import type { Plan } from './plan.ts';
import { runHistory } from './run-history.ts';

/** The places of the steps that are left. They break the same invariant as the whole plan. */
export async function shrinkPlan(plan: Plan): Promise<readonly number[]> {
  const wanted = (await runHistory(plan)).violations[0]?.invariant;
  return shrink(plan.steps.length, async (places) => {
    const { violations } = await runHistory(only(plan, places));
    return violations.some(({ invariant }) => invariant === wanted);
  });
}

export function only(plan: Plan, places: readonly number[]): Plan {
  return { ...plan, steps: plan.steps.filter((_, i) => places.includes(i)) };
}

/** Takes away halves, then smaller pieces, then single ones of `count` things, as long as the rest still fails. */
export async function shrink(count: number, fails: (places: readonly number[]) => Promise<boolean>): Promise<readonly number[]> {
  let left = Array.from({ length: count }, (_, i) => i);
  for (let size = Math.ceil(count / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < left.length;) {
      const fewer = [...left.slice(0, start), ...left.slice(start + size)];
      if (await fails(fewer)) left = fewer;
      else start += size;
    }
  }
  return left;
}
