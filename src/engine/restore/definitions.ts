/** Restored CustomResourceDefinitions: their objects can follow only when the API server serves them. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { fieldsOf, listOf } from '../selection/fields.ts';
import { definitions } from '../selection/known.ts';
import type { Restoration } from './restoration.ts';

const patience = 30_000;
const pollEvery = 250;

/** Resolves when all new ones are established and discovered, or says in the log which are not. */
export async function awaitDefinitions(r: Restoration): Promise<void> {
  const { clock } = r.work.parts;
  const resource = r.served.find(definitions);
  if (r.spec.dryRun || !resource || r.newDefinitions.size === 0) return;
  const waiting = new Set(r.newDefinitions);
  for (const deadline = clock.monotonic() + patience; clock.monotonic() < deadline; await clock.sleep(pollEvery, r.work.signal)) {
    await dropReady(r, resource, waiting);
    if (waiting.size === 0) return;
  }
  for (const name of waiting) r.work.run.log.warn(`the definition ${name} is not served after ${patience / 1_000} s`);
}

async function dropReady(r: Restoration, resource: ApiResource, waiting: Set<string>): Promise<void> {
  for (const name of waiting) if (!(await isEstablished(r, resource, name))) return;
  await r.served.refresh(r.work.signal);
  for (const name of waiting) if (r.served.find(name)) waiting.delete(name);
}

async function isEstablished({ work }: Restoration, resource: ApiResource, name: string): Promise<boolean> {
  const live = await work.parts.cluster.get(resource, '', name, work.signal);
  return listOf(fieldsOf(live?.['status'])['conditions']).some(({ type, status }) => type === 'Established' && status === 'True');
}
