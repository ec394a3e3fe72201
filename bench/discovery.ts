/** How long discovery takes while 20 clients list a hundred thousand objects, again and again. */
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { timed } from './load.ts';
import type { Client } from './load.ts';
import { ours, seedBackups } from './read.ts';
import { startRig } from './rig.ts';

export const discoveryNames = ['discovery-delay'] as const;

const clients = 20;
const seconds = 20;
const discovery = '/apis/backup.kylon.io/v1alpha1';

export async function benchDiscovery(kubeconfig: string, quick: boolean): Promise<Figure> {
  const count = quick ? 10_000 : 100_000;
  const rig = await startRig(kubeconfig, {
    connections: clients,
    prepare: (folder, cluster) => seedBackups(folder, cluster, count),
  });
  try {
    const stop = new AbortController();
    const lists = { done: 0 };
    const listing = Array.from({ length: clients }, async () => {
      for (; !stop.signal.aborted; lists.done++) await listInto(rig.cluster, stop.signal);
    });
    const worst = await slowest(rig.kylon);
    stop.abort();
    await Promise.allSettled(listing);
    console.log(`discovery-delay: meanwhile ${lists.done} lists of ${count} objects were read to their end`);
    return figure({
      name: 'discovery-delay',
      value: worst * 1000,
      unit: 'ms at most',
      against: 'the target',
      againstValue: 1000,
      goal: 1,
      better: 'lower',
    });
  } finally {
    await rig.close();
  }
}

async function slowest(kylon: Client): Promise<number> {
  let worst = 0;
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(100))
    worst = Math.max(worst, await timed(() => kylon.ask('GET', discovery)));
  return worst;
}

/** Reads a whole list and keeps nothing of it. */
function listInto({ target }: Client, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', ...target.headers };
    const sent = request(target.url + ours, { ...target.tls, agent: false, headers, signal }, (response) => {
      response.on('error', reject).on('end', resolve).resume();
    });
    sent.on('error', reject).end();
  });
}
