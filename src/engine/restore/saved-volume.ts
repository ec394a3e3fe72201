/** A claim whose volume the backup has taken: it gets a new volume, with what was in the old one. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { qualified, quote } from '../../machinery/errors.ts';
import type { ItemKey } from '../../resources/services.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { claims } from '../selection/known.ts';
import { claims as claimResource } from '../snapshot/known.ts';
import { isMoved } from '../snapshot/fill.ts';
import { dataSourceOf } from '../snapshot/new-claim.ts';
import { requireVolumeSnapshot } from '../snapshot/revive.ts';
import { usableSnapshot } from '../snapshot/usable.ts';
import type { Restoration } from './restoration.ts';

/** The claim as it is to be written; one that is there keeps its volume. Rejects with RunFailed where the snapshot is of no use. */
export async function withSavedVolume(r: Restoration, item: ItemKey, claim: ClusterObject): Promise<ClusterObject> {
  const snapshotName = qualified(item) === claims ? r.volumes.get(`${item.namespace}/${item.name}`) : undefined;
  const namespace = r.mapNamespace(item.namespace);
  if (snapshotName === undefined || (await r.cluster.get(claimResource, namespace, item.name, r.work.signal))) return claim;
  if (namespace !== item.namespace)
    throw new RunFailed(
      'SnapshotElsewhere',
      `the snapshot of its volume lies in the namespace ${quote(item.namespace)}, and can be restored there only`,
    );
  const snapshot = await usableSnapshot(r.work, namespace, snapshotName);
  if (!r.spec.dryRun && !isMoved(snapshot)) await requireVolumeSnapshot(r.work, snapshot);
  return ofSnapshot(claim, snapshot);
}

/** What a driver has it makes the volume of; what lies in the object store the populator brings into it. */
function sourceOf(snapshot: Snapshot): object {
  const { apiVersion, kind, metadata } = snapshot;
  if (!isMoved(snapshot)) return { dataSource: dataSourceOf(snapshot) };
  return { dataSourceRef: { apiGroup: apiVersion.split('/')[0], kind, name: metadata.name } };
}

function ofSnapshot(claim: ClusterObject, snapshot: Snapshot): ClusterObject {
  const { volumeName: _, dataSource: __, dataSourceRef: ___, resources, ...spec } = fieldsOf(claim['spec']);
  const requests = fieldsOf(fieldsOf(resources)['requests']);
  const asked = parseQuantity(textOf(requests['storage']) ?? '') ?? 0;
  const { restoreSize = '0' } = snapshot.status;
  const storage = asked < (parseQuantity(restoreSize) ?? 0) ? restoreSize : requests['storage'];
  return {
    ...claim,
    spec: { ...spec, resources: { ...fieldsOf(resources), requests: { ...requests, storage } }, ...sourceOf(snapshot) },
  };
}
