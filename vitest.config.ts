import { defineConfig } from 'vitest/config';

const mutations = 'test/simulation/mutations.test.ts';

/**
 * `npm test` runs all that needs nothing but npm; `npm run test:mutations` whether the simulation finds planted mistakes, which takes
 * both cores for minutes; `npm run test:e2e` runs test/e2e against the cluster of KUBECONFIG.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**', mutations], testTimeout: 30_000 } },
      { test: { name: 'mutations', include: [mutations] } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 300_000, fileParallelism: false } },
    ],
  },
});
