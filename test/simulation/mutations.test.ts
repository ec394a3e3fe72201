/** Each planted mistake is found within so many histories; one that is not shows a hole in the checks or in the plans. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { patchedBy } from './mutate.ts';
import { mutations } from './mutations.ts';
import type { Run } from './run.ts';
import { runSharded } from './shards.ts';

const histories = 3000;
const runs = new Map<string, Promise<Run>>();

describe('a mistake in the catalog', () => {
  beforeAll(() => {
    const waiting = mutations.map(({ name }) => ({ name, ...Promise.withResolvers<Run>() }));
    for (const { name, promise } of waiting) runs.set(name, promise);
    const queue = waiting.values();
    const runNext = async (): Promise<void> => {
      for (const { name, resolve } of queue) {
        const run = runSharded({ seed: 1, histories, threads: 1, mutation: name });
        resolve(run);
        await run.catch(() => {});
      }
    };
    for (let i = 0; i < availableParallelism(); i++) void runNext();
  });

  it.each(mutations)('is found: $name', { timeout: 1_500_000 }, async ({ name, what }) => {
    const { failed } = await runs.get(name)!;
    expect(failed, `${what} No history of ${histories} has shown it.`).toBeDefined();
  });

  it('is told with the steps that matter, and how to see it again', { timeout: 60_000 }, () => {
    const script = join(import.meta.dirname, 'simulate.ts');
    const { status, stdout } = spawnSync(process.execPath, [script, '--histories', '100', '--mutation', 'acknowledged too early'], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stdout).toMatch(/BROKEN L3: .*was acknowledged, but number/);
    expect(stdout).toMatch(/npm run simulate -- --seed \d+ --steps [\d,]* --verbose --mutation 'acknowledged too early'/);
  });

  it('fits the code as it is', () => {
    for (const mutation of mutations) expect(patchedBy(mutation).size).toBeGreaterThan(0);
    const stale = { name: 'stale', what: '', patches: [{ file: 'src/catalog/log/log.ts', find: 'no such text', replace: '' }] };
    expect(() => patchedBy(stale)).toThrow('does not fit src/catalog/log/log.ts any more: its text is there 0 times');
  });
});
