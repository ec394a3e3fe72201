/** The namespaces that a restore needs, and that are not among its items: made where they are missing. */
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import type { ItemResult } from '../../resources/services.ts';
import { clean } from './clean.ts';
import { tryItem } from './apply.ts';
import { namespaces } from '../selection/known.ts';
import { cleanOptionsOf, writingOf } from './prepare-item.ts';
import type { Restoration } from './restoration.ts';
import { objectOf } from './saved-items.ts';
import { writeItem } from './write-item.ts';

/** Resolves to the results of those that were made or could not be. */
export async function prepareNamespaces(r: Restoration): Promise<ItemResult[]> {
  const resource = r.served.find(namespaces);
  if (!resource) return [];
  const results: ItemResult[] = [];
  for (const name of [...r.namespaces].sort()) {
    if (await isThere(r, resource, r.mapNamespace(name))) continue;
    if (r.spec.dryRun) r.absentNamespaces.add(r.mapNamespace(name));
    if (!(await isItem(r, name))) results.push(await make(r, resource, name));
  }
  return results;
}

async function isThere({ work }: Restoration, resource: ApiResource, name: string): Promise<boolean> {
  const live = await work.parts.cluster.get(resource, '', name, work.signal);
  return live !== undefined && live.metadata['deletionTimestamp'] === undefined;
}

/** Whether the Namespace is restored as one of the items, before everything else. */
async function isItem({ reader, choice, work }: Restoration, name: string): Promise<boolean> {
  const { items } = await reader.items({ ...keyOf(name), limit: 1, continue: '', labelSelector: '' }, work.signal);
  return items.some((item) => choice.takes(item));
}

async function make(r: Restoration, resource: ApiResource, name: string): Promise<ItemResult> {
  const item = keyOf(name);
  return tryItem(r, item, async () => {
    const saved = await r.reader.item(item, r.work.signal);
    const object = saved ? objectOf(saved) : bareNamespace(name);
    const options = cleanOptionsOf(r);
    return writeItem(writingOf(r, namespaces, options), resource, '', clean(namespaces, object, options));
  });
}

const keyOf = (name: string) => ({ group: '', resource: namespaces, namespace: '', name });

const bareNamespace = (name: string): ClusterObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
