import { defineConfig } from 'vitest/config';

/** `npm test` runs all that needs nothing but npm; `npm run test:e2e` runs test/e2e against the cluster of KUBECONFIG. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 30_000 } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 300_000, fileParallelism: false } },
    ],
  },
});
