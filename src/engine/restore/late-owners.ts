/** Objects that came back before their owners: they are read again when those are there, and references to them are put in. */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/lifetime.ts';
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import { inParallel } from '../parallel.ts';
import { throwIfAborted } from '../runs/failure.ts';
import type { Prepared } from './prepare-item.ts';
import { prepareItem, writingOf } from './prepare-item.ts';
import type { Restoration } from './restoration.ts';
import { nameOf } from './restoration.ts';
import { retried } from '../retry.ts';
import type { Entry } from './saved-items.ts';
import { objectOf, savedItems } from './saved-items.ts';
import { joinedReferences, referencesOf } from './owner-references.ts';
import { writeItem } from './write-item.ts';

const objectsAtOnce = 16;

/** Those whose owners have still to come are left for the next time. */
export async function completeOwners(r: Restoration): Promise<void> {
  for (const resource of r.early.resources) {
    const isEarly = r.early.take(resource);
    const served = r.served.find(resource);
    try {
      await inParallel(savedItems(r, resource), objectsAtOnce, async (entry) => {
        if (served && isEarly(entry.place)) await completeItem(r, served, entry);
      });
    } catch (error) {
      throwIfAborted(r.work.signal);
      r.work.run.log.error(`the owners of ${resource} are not restored to their end: ${messageOf(error)}`);
    }
  }
}

async function completeItem(r: Restoration, served: ApiResource, { item, manifest, place }: Entry): Promise<void> {
  const { run, signal } = r.work;
  try {
    const prepared = await prepareItem(r, served, item, objectOf(manifest));
    for (const message of prepared.owned.dropped) run.log.warn(`${nameOf(item)}: ${message}`);
    if (prepared.owned.isEarly) r.early.add(qualified(item), place);
    await retried(r.work.parts.clock, signal, () => putReferences(r, prepared));
  } catch (error) {
    throwIfAborted(signal);
    run.log.error(`${nameOf(item)}: its owners are not restored: ${messageOf(error)}`);
  }
}

/** An object that went with its old owner comes back. */
async function putReferences(r: Restoration, { resource, namespace, object, options }: Prepared): Promise<void> {
  const live = await r.cluster.get(resource, namespace, object.metadata.name, r.work.signal);
  if (live === undefined || live.metadata['deletionTimestamp'] !== undefined) {
    await writeItem(writingOf(r, qualified(resource), options), resource, namespace, object);
    return;
  }
  const ownerReferences = joinedReferences(referencesOf(object), referencesOf(live));
  if (isDeepStrictEqual(ownerReferences, referencesOf(live))) return;
  const { name, uid, resourceVersion } = live.metadata;
  await r.cluster.patch(resource, namespace, name, { metadata: { uid, resourceVersion, ownerReferences } }, {}, r.work.signal);
}
