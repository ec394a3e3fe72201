/** Thousands of short histories of the catalog under faults: docs/simulation.md. `npm run simulate` runs as many as one likes. */
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { weights } from './actions.ts';
import { mishaps } from './mishaps.ts';
import { planOf } from './plan.ts';
import { runSharded } from './shards.ts';
import { only, shrink } from './shrink.ts';
import { runHistory } from './run-history.ts';

const histories = 20_000;

describe('simulation', () => {
  it('runs the same history for the same seed, and others for others', async () => {
    const hashes = [];
    for (let seed = 1; seed <= 40; seed++) {
      const { hash } = await runHistory(planOf(seed));
      expect((await runHistory(planOf(seed))).hash, `seed ${seed}`).toBe(hash);
      hashes.push(hash);
    }
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('leaves the other steps as they were when some are taken away', () => {
    const plan = planOf(7);
    const { steps } = only(plan, [0, 2]);
    expect(steps).toEqual([plan.steps[0], plan.steps[2]]);
  });

  it('shrinks to what matters', async () => {
    expect(await shrink(40, async (places) => places.includes(3) && places.includes(31))).toEqual([3, 31]);
    expect(await shrink(7, async () => true)).toEqual([]);
    expect(await shrink(3, async (places) => places.length === 3)).toEqual([0, 1, 2]);
  });

  it(`finds every invariant true in ${histories} histories`, { timeout: 900_000 }, async () => {
    const { failed, counts } = await runSharded({ seed: 1, histories, threads: availableParallelism() });
    expect(failed, failed && `npm run simulate -- --seed ${failed.seed} --histories 1`).toBeUndefined();
    const never = expected().filter((what) => !counts.has(what));
    expect(never, 'never happened').toEqual([]);
  });
});

/** What must have happened, or the histories show less than they should. */
function expected(): readonly string[] {
  const faults = Object.entries(mishaps).flatMap(([kind, names]) => Object.keys(names).map((name) => `${kind}: ${name}`));
  const writes = [
    'value',
    'cut',
    'down',
    'StorageExists',
    'StorageConflict',
    'StorageMissing',
    'StorageUnavailable',
    'StorageUnknown',
    'CallerGone',
  ];
  const watches = ['value', 'cut', 'StorageExpired', 'StorageUnavailable'];
  return [
    ...faults,
    ...writes.map((answer) => `write: ${answer}`),
    ...watches.map((answer) => `watch: ${answer}`),
    ...['value', 'StorageExpired', 'StorageFuture'].map((answer) => `list: ${answer}`),
    ...Object.keys(weights).map((step) => `step: ${step}`),
    ...['a checkpoint was made', 'a checkpoint cannot be used', 'the catalog is open again', 'the outcome of the write is known'].map(
      (told) => `tells: ${told}`,
    ),
    ...['goes back', 'is emptied', 'is eaten'].map((how) => `the store ${how}`),
    'bookmark',
    'event',
  ];
}
