/** A claim whose volume the backup has taken: it gets a new volume, with what was in the old one. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { ItemKey, ItemResult } from '../../resources/services.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { dropKeys, fieldsOf, textOf } from '../selection/fields.ts';
import { claims } from '../selection/known.ts';
import { requireRestoreRight } from '../selection/rights.ts';
import { claims as claimResource, snapshotNamespace } from '../snapshot/known.ts';
import { isMoved } from '../snapshot/fill.ts';
import { claimFromElsewhere, dataSourceOf, dataSourceRefOf } from '../snapshot/new-claim.ts';
import { requireVolumeSnapshot } from '../snapshot/revive.ts';
import { usableSnapshot } from '../snapshot/usable.ts';
import { nameOf } from './restoration.ts';
import type { Restoration } from './restoration.ts';

/** The claim as it is to be written; one that is there keeps its volume. Rejects with RunFailed where the snapshot is of no use. */
export async function withSavedVolume(r: Restoration, item: ItemKey, claim: ClusterObject): Promise<ClusterObject> {
  const snapshotName = qualified(item) === claims ? r.volumes.get(`${item.namespace}/${item.name}`) : undefined;
  const namespace = r.mapNamespace(item.namespace);
  if (snapshotName === undefined || (await r.cluster.get(claimResource, namespace, item.name, r.work.signal))) return claim;
  const isElsewhere = namespace !== item.namespace;
  if (isElsewhere) await requireRightElsewhere(r, { namespace: item.namespace, name: snapshotName });
  const snapshot = await usableSnapshot(r.work, item.namespace, snapshotName);
  const { parts, signal } = r.work;
  if (isElsewhere) return claimFromElsewhere(parts, ofSnapshot(claim, snapshot, {}), snapshot, signal);
  if (isMoved(snapshot)) return ofSnapshot(claim, snapshot, { dataSourceRef: dataSourceRefOf(snapshot) });
  if (!r.spec.dryRun) await requireVolumeSnapshot(r.work, snapshot);
  return ofSnapshot(claim, snapshot, { dataSource: dataSourceOf(snapshot.status.volumeSnapshotName) });
}

/** What is to be said of a claim that was made without what was in its volume. */
export function lostVolumeNotes(r: Restoration, item: ItemKey, { outcome }: Pick<ItemResult, 'outcome'>): readonly string[] {
  const isLost = qualified(item) === claims && r.lostVolumes.has(`${item.namespace}/${item.name}`);
  if (!isLost || (outcome !== 'created' && outcome !== 'recreated')) return [];
  const note = 'the backup could not take its volume: unless the old one is there, its storage is empty';
  r.work.run.log.warn(`${nameOf(item)}: ${note}`);
  return [note];
}

/** What was saved in one namespace is to be read in another: that takes the right to restore it. */
function requireRightElsewhere({ work }: Restoration, which: { readonly namespace: string; readonly name: string }): Promise<void> {
  const { parts, creator, signal } = work;
  return requireRestoreRight(parts.authorizer, parts.snapshots, creator, which, signal);
}

/** `source`: of what its volume is made. One that was saved while it was filled from elsewhere says no more from where. */
function ofSnapshot(claim: ClusterObject, snapshot: Snapshot, source: object): ClusterObject {
  const { volumeName: _, dataSource: __, dataSourceRef: ___, resources, ...spec } = fieldsOf(claim['spec']);
  const metadata = structuredClone(claim.metadata);
  dropKeys(metadata, 'annotations', [snapshotNamespace]);
  const requests = fieldsOf(fieldsOf(resources)['requests']);
  const asked = parseQuantity(textOf(requests['storage']) ?? '') ?? 0;
  const { restoreSize = '0' } = snapshot.status;
  const storage = asked < (parseQuantity(restoreSize) ?? 0) ? restoreSize : requests['storage'];
  return {
    ...claim,
    metadata,
    spec: { ...spec, resources: { ...fieldsOf(resources), requests: { ...requests, storage } }, ...source },
  };
}
