/** Every object store that runs without anything installed, made fresh for a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';

export const parts = { clock: systemClock, ids: randomIds, env: {}, metrics: createMetrics() };

export const stores: readonly { readonly name: string; readonly create: () => Promise<StoreUnderTest> }[] = [
  {
    name: 'memory',
    create: async () => {
      const objects = new Map<string, Uint8Array>();
      return { clients: [memoryStore(objects), memoryStore(objects)], destroy: async () => {} };
    },
  },
  {
    name: 'directory',
    create: async () => {
      const path = await temporaryFolder();
      const clients = [await openDirectory(join(path, 'store'), parts), await openDirectory(join(path, 'store'), parts)] as const;
      return { clients, destroy: () => rm(path, { recursive: true }) };
    },
  },
];

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'kylon-test-'));
}
