import { basename, delimiter, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

const mutations = 'test/simulation/mutations.test.ts';
/** A file at a time on each cluster: test/e2e/cluster.ts. */
const clusters = process.env['KYLON_TEST_KUBECONFIGS']?.split(delimiter).length ?? 1;

/** Files that take long, those of each project longest first: one that began last would have the others wait. */
const long = ['simulation', 'azure', 'harm-namespaces', 'soak', 'clients-go', 'fuzz', 'plugin', 'helm', 'floods', 'acceptance-controllers'];

/** Kylon is started hundreds of times, and compiled once, as `npm start` does. */
const env = { NODE_COMPILE_CACHE: resolve('node_modules/.cache/kylon') };

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => long.toReversed().indexOf(basename(moduleId, '.test.ts'));
    return (await super.sort(files)).toSorted((a, b) => rankOf(b) - rankOf(a));
  }
}

/**
 * `npm test` runs all that needs nothing but npm; `npm run test:mutations` whether the simulation finds planted mistakes, which takes
 * both cores for minutes; `npm run test:e2e` runs test/e2e against the cluster of KUBECONFIG, or on several at once: those
 * of KYLON_TEST_KUBECONFIGS, with a colon between them.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', mutations],
          testTimeout: 30_000,
          env,
          // One a core: Vitest would leave one of them idle, which is half of the machine where there are two.
          maxWorkers: '100%',
          // What they import is loaded once a worker and not once a file: three quarters of the time that most of them took.
          isolate: false,
        },
      },
      { test: { name: 'mutations', include: [mutations], sequence: { groupOrder: 2 } } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          maxWorkers: clusters,
          env,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
