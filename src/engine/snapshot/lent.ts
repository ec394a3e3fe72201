/**
 * What a driver keeps of a Snapshot, lent to another namespace: a VolumeSnapshot there around the same handle, for the one volume that is made of it
 * for `owner`. Its content is retained from the beginning, so that the data stays the Snapshot's, whatever is done in that namespace. Both go as soon
 * as the volume is made, or is not wanted any more. As Kylon itself: who may have it made is asked before.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import type { Work } from '../runs/run.ts';
import { findContent, requireSameData } from './content.ts';
import {
  beingDeleted,
  helperLabelsOf,
  lentTo,
  madeFor,
  referenceTo,
  volumeSnapshotContents,
  volumeSnapshotNameOf,
  volumeSnapshots,
} from './known.ts';
import { listed } from './listed.ts';
import { remove, unlessGone } from './removal.ts';
import { makeStatic, staticContent } from './static-content.ts';
import { awaitVolumeSnapshot, findVolumeSnapshot } from './volume-snapshot.ts';

/** Milliseconds: the driver only has to look for what it has. */
const patience = 120_000;

/** Whether a Snapshot lies in another namespace than an object that is to get what it holds. */
export const isElsewhere = (snapshot: KubeObject, { metadata }: KubeObject) => snapshot.metadata.namespace !== metadata.namespace;

/** To a claim, with which it goes. What is there already is left. Rejects with RunFailed where somebody else has made one of its name. */
export async function lendToClaim(parts: EngineParts, claim: ClusterObject, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  await lend(parts, claim, snapshot, { annotations: { [lentTo]: claim.metadata.name } }, { ownerReferences: [referenceTo(claim)] }, signal);
}

/** To a Restore; resolves when volumes can be made of it. Rejects with RunFailed. */
export async function lendToRestore(work: Work, snapshot: Snapshot): Promise<void> {
  const { parts, object, signal } = work;
  await lend(parts, object, snapshot, {}, {}, signal);
  const find = () => findVolumeSnapshot(parts, object, signal);
  const ready = await awaitVolumeSnapshot(work, volumeSnapshotNameOf(object), find, patience);
  await requireSameData(work, snapshot, ready);
}

async function lend(
  parts: EngineParts,
  owner: KubeObject,
  snapshot: Snapshot,
  ofContent: { readonly annotations?: object },
  ofVolumeSnapshot: { readonly ownerReferences?: readonly object[] },
  signal: AbortSignal,
): Promise<void> {
  const { cluster } = parts;
  if (await findVolumeSnapshot(parts, owner, signal)) return;
  const labels = helperLabelsOf(owner);
  const content = staticContent(owner, snapshot, { labels, ...ofContent }, await findContent(cluster, snapshot, undefined, signal));
  await makeStatic({ parts, cluster, signal }, owner, content, { labels, ...ofVolumeSnapshot });
}

/** Resolves to whether nothing is left of it. */
export async function takeBack({ cluster, clock, proofs }: EngineParts, owner: KubeObject, signal: AbortSignal): Promise<boolean> {
  return retried(clock, signal, async () => {
    const volumeSnapshot = await findVolumeSnapshot({ cluster, proofs }, owner, signal);
    const content = await findLent(cluster, owner, signal);
    if (volumeSnapshot) await remove(cluster, volumeSnapshots, volumeSnapshot, signal);
    if (content && !volumeSnapshot) await release(cluster, content, signal);
    if (content) await remove(cluster, volumeSnapshotContents, content, signal);
    return !volumeSnapshot && !content;
  });
}

/** The claims to which something is lent. A cluster that knows no snapshots has none. */
export async function claimsLentTo({ cluster }: EngineParts, signal: AbortSignal): Promise<readonly ObjectRef[]> {
  const lent = listed<ClusterObject>(cluster, volumeSnapshotContents, { labelSelector: madeFor }, signal);
  return ((await lent.catch(unlessGone)) ?? []).flatMap(({ metadata, spec }) => {
    const name = textOf(fieldsOf(metadata['annotations'])[lentTo]);
    const namespace = textOf(fieldsOf(fieldsOf(spec)['volumeSnapshotRef'])['namespace']);
    const uid = textOf(fieldsOf(metadata['labels'])[madeFor]);
    return name !== undefined && namespace !== undefined && uid !== undefined ? [{ namespace, name, uid }] : [];
  });
}

async function findLent(cluster: Cluster, owner: KubeObject, signal: AbortSignal): Promise<ClusterObject | undefined> {
  const found = await cluster.get(volumeSnapshotContents, '', volumeSnapshotNameOf(owner), signal);
  return fieldsOf(found?.metadata['labels'])[madeFor] === owner.metadata.uid ? found : undefined;
}

/** One whose VolumeSnapshot is gone by itself waits for this sign. */
async function release(cluster: Cluster, { metadata }: ClusterObject, signal: AbortSignal): Promise<void> {
  const patch = { metadata: { annotations: { [beingDeleted]: 'yes' } } };
  await cluster.patch(volumeSnapshotContents, '', metadata.name, patch, {}, signal).catch(unlessGone);
}
