/** Tells people what a run of histories has shown, and of one that failed all that they need to look into it. */
import { availableParallelism } from 'node:os';
import type { Plan } from './plan.ts';
import { planOf, stepText } from './plan.ts';
import { runSharded } from './shards.ts';
import { only, shrinkPlan } from './shrink.ts';
import { runHistory } from './run-history.ts';

export interface Order {
  readonly seed: number;
  readonly histories: number;
  /** Of the one history; undefined for all. */
  readonly steps: readonly number[] | undefined;
  readonly mutation: string | undefined;
  /** Whether the one history tells all that happens. */
  readonly isVerbose: boolean;
  readonly print: (line: string) => void;
}

/** Milliseconds between two lines about how far it is. */
const often = 5000;

/** Answers the exit code. */
export async function report(order: Order): Promise<number> {
  return order.steps === undefined && !(order.isVerbose && order.histories === 1) ? reportMany(order) : reportOne(order);
}

async function reportMany(order: Order): Promise<number> {
  const { seed, histories, mutation, print } = order;
  const start = performance.now();
  let told = start;
  const tell = (done: number) => {
    if (performance.now() - told < often) return;
    told = performance.now();
    print(`${done} of ${histories} histories, ${perSecond(done, start)} a second`);
  };
  const run = await runSharded({ seed, histories, mutation, tell, threads: Math.min(availableParallelism(), histories) });
  for (const [what, times] of [...run.counts].sort(([a], [b]) => (a < b ? -1 : 1))) print(`${String(times).padStart(8)}  ${what}`);
  print(`${run.histories} histories with ${run.events} events, ${perSecond(run.histories, start)} histories a second`);
  if (run.failed === undefined) return 0;
  await explain(planOf(run.failed.seed), order);
  return 1;
}

async function reportOne(order: Order): Promise<number> {
  const { seed, steps, isVerbose, print } = order;
  const whole = planOf(seed);
  const plan = steps === undefined ? whole : only(whole, steps);
  printPlan(plan, print);
  const result = await runHistory(plan, isVerbose ? print : undefined);
  for (const { invariant, message } of result.violations) print(`BROKEN ${invariant}: ${message}`);
  print(`hash ${result.hash.toString(16)}`);
  return Number(result.violations.length > 0);
}

/** The fewest steps with which the history still fails, and what happens then. */
async function explain(plan: Plan, { mutation, print }: Order): Promise<void> {
  print(`The history of seed ${plan.seed} fails. Looking for the steps that matter …`);
  const places = await shrinkPlan(plan);
  const small = only(plan, places);
  printPlan(small, print);
  const { violations } = await runHistory(small, print);
  for (const { invariant, message } of violations) print(`BROKEN ${invariant}: ${message}`);
  const planted = mutation === undefined ? '' : ` --mutation '${mutation}'`;
  print(`To see it again: npm run simulate -- --seed ${plan.seed} --steps ${places.join(',')} --verbose${planted}`);
  print(`All of it:       npm run simulate -- --seed ${plan.seed} --histories 1 --verbose${planted}`);
}

function printPlan({ seed, replicas, setting, steps }: Plan, print: (line: string) => void): void {
  print(`seed ${seed}: ${replicas} replicas, ${JSON.stringify(setting)}`);
  for (const step of steps) print(stepText(step));
}

function perSecond(histories: number, start: number): number {
  return Math.round((histories * 1000) / (performance.now() - start));
}
