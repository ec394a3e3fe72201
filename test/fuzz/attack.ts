/** A server under attack: how much memory it takes at most, how long others wait, and whether all is given back. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { memoryOf } from '../e2e/memory.ts';
import { eventually } from '../e2e/process.ts';
import type { Running } from '../e2e/process.ts';
import type { Probed, Waited } from './probe.ts';
import type { Address } from './wire.ts';

export interface Damage extends Waited {
  /** Bytes at the worst moment, above what it had before. */
  readonly grown: number;
}

/** Milliseconds between two looks at the memory. */
const every = 25;

/** Rejects where the server fails another client, or keeps a connection when the attackers have gone. `attack` ends with its attackers gone. */
export async function damageOf(server: Running, address: Address, attack: () => Promise<void>): Promise<Damage> {
  const before = memoryOf(server);
  const openBefore = openFiles(server);
  const probe = new Worker(new URL('probe.ts', import.meta.url), { workerData: { address, pid: server.child.pid ?? 0 } satisfies Probed });
  const state = { highest: before, over: false };
  const looking = (async () => {
    for (; !state.over; await sleep(every)) state.highest = Math.max(state.highest, memoryOf(server));
  })();
  try {
    await attack();
  } finally {
    state.over = true;
    await looking;
    probe.postMessage('stop', []);
  }
  const [waited] = (await once(probe, 'message')) as [Waited];
  await eventually(async () => openFiles(server) <= openBefore + slack, 20_000);
  return { ...waited, grown: state.highest - before };
}

/** Files of the store that happen to be open. */
const slack = 5;

function openFiles({ child }: Running): number {
  return readdirSync(`/proc/${child.pid}/fd`).length;
}
