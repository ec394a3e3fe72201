/** Finds the steps of a failing history without which it does not fail any more. */
import type { Plan } from './plan.ts';
import { runHistory } from './run-history.ts';

/** The places of the steps that are left. They break the same invariant as the whole plan. */
export async function shrink(plan: Plan): Promise<readonly number[]> {
  const wanted = (await runHistory(plan)).violations[0]?.invariant;
  const fails = async (places: readonly number[]) =>
    (await runHistory(only(plan, places))).violations.some(({ invariant }) => invariant === wanted);
  let left: readonly number[] = plan.steps.map((_, i) => i);
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    left = await without(left, size, fails);
  return left;
}

export function only(plan: Plan, places: readonly number[]): Plan {
  return { ...plan, steps: plan.steps.filter((_, i) => places.includes(i)) };
}

/** Takes away pieces of `size` steps as long as one can go. */
async function without(
  places: readonly number[],
  size: number,
  fails: (places: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  let left = places;
  for (let start = 0; start < left.length;) {
    const fewer = [...left.slice(0, start), ...left.slice(start + size)];
    if (await fails(fewer)) left = fewer;
    else start += size;
  }
  return left;
}
