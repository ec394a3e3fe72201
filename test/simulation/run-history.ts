/** Runs one history from its plan, and checks it. */
import type { Violation } from './checked.ts';
import { check } from './check.ts';
import { endure } from './endurance.ts';
import type { Plan } from './plan.ts';
import { openFresh, recover } from './recovery.ts';
import { takeStep } from './steps.ts';
import { World } from './world.ts';

export interface Result {
  readonly violations: readonly Violation[];
  readonly counts: ReadonlyMap<string, number>;
  readonly events: number;
  /** The same for the same plan and the same code. */
  readonly hash: number;
}

/** `tell` gets a readable trace. */
export async function runHistory(plan: Plan, tell?: (line: string) => void): Promise<Result> {
  const world = new World(plan, tell);
  const { scheduler, history, bucket, replicas } = world;
  for (const replica of replicas) replica.start();
  await world.within('every replica serves', () => replicas.every(({ isUp }) => isUp));
  for (const step of plan.steps) scheduler.after(step.at, `step ${step.action.do}`, () => takeStep(world, step));
  await world.pass(plan.steps.at(-1)?.at ?? 0);
  if (plan.disaster !== undefined) await endure(world, plan.disaster);
  await recover(world);
  const fresh = await openFresh(world);
  const found = check({ history, bucket, replicas: [...replicas, fresh], window: plan.setting.options.window });
  markEnd(world);
  return { violations: [...world.violations, ...found], counts: history.counts, events: scheduler.events, hash: scheduler.hash };
}

function markEnd({ scheduler, history, bucket }: World): void {
  for (const { answer, call } of history.operations) scheduler.mark(`${call.is} ${JSON.stringify(answer)}`);
  for (const [key, body] of bucket.objects) scheduler.mark(`${key} ${Buffer.from(body).toString('latin1')}`);
}
