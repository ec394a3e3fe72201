import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'vitest';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { describeKv } from '../conformance/kv.ts';
import { temporaryFolder } from '../objectstore/stores.ts';
import { Disk, simulatedHome } from '../simulation/disk.ts';
import { Life } from '../simulation/life.ts';
import { Random } from '../simulation/random.ts';
import { Scheduler } from '../simulation/scheduler.ts';

describe('LevelDB', () => {
  describeKv(async () => {
    const path = await temporaryFolder();
    const home = indexHome(join(path, 'index'));
    return { homes: [home, home], destroy: () => rm(path, { recursive: true }) };
  });
});

describe('the simulated disk', () => {
  describeKv(async () => {
    const scheduler = new Scheduler(1);
    const disk = new Disk();
    const homeOf = (name: string) => simulatedHome(disk, new Life(name, scheduler), new Random(1), 3, () => {});
    const state = { isOver: false };
    void runAlways(scheduler, state);
    return {
      homes: [homeOf('a'), homeOf('b')],
      destroy: async () => {
        state.isOver = true;
      },
    };
  });
});

async function runAlways(scheduler: Scheduler, state: { readonly isOver: boolean }): Promise<void> {
  while (!state.isOver) {
    await scheduler.run(Number.POSITIVE_INFINITY, () => state.isOver);
    await new Promise(setImmediate);
  }
}
