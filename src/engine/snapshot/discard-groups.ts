/** Takes the groups of volumes of a Backup out of the cluster, and with them what the driver keeps. As Kylon itself, as all that it deletes. */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import type { Fields } from '../selection/fields.ts';
import { policyOf } from './content.ts';
import { groupRefOf, listContentsOfBackup, listGroups, removeGroup } from './group-objects.ts';
import { groupBeingDeleted, volumeGroupSnapshotContents } from './known.ts';
import { remove, unlessGone } from './removal.ts';

/** One step; resolves to how many are not gone yet. Of one group alone, where its VolumeGroupSnapshot is named: of that, nothing stays. */
export function discardGroups(
  parts: EngineParts,
  backup: KubeObject,
  signal: AbortSignal,
  only?: { readonly namespace: string; readonly name: string },
): Promise<number> {
  const { cluster, clock } = parts;
  const isMeant = (found: Fields) => only === undefined || (found['name'] === only.name && found['namespace'] === only.namespace);
  return retried(clock, signal, async () => {
    const groups = (await listGroups(parts, backup, signal)).filter(({ metadata }) => isMeant(metadata));
    const contents = (await listContentsOfBackup(cluster, backup, signal)).filter(
      (content) => isMeant(groupRefOf(content)) && (only !== undefined || policyOf(content) !== 'Retain'),
    );
    const uids = new Set<unknown>(groups.map(({ metadata }) => metadata.uid));
    for (const content of contents) await discardContent(cluster, content, uids.has(groupRefOf(content)['uid']), signal);
    for (const group of groups) await removeGroup(cluster, group, signal);
    return Math.max(groups.length, contents.length);
  });
}

/** The snapshot controller lets it go with a VolumeGroupSnapshot that is there. One whose class retains stays, once it was taken. */
async function discardContent(cluster: Cluster, content: ClusterObject, hasGroup: boolean, signal: AbortSignal): Promise<void> {
  const metadata = hasGroup ? {} : { annotations: { [groupBeingDeleted]: 'yes' } };
  const patch = { metadata, spec: { deletionPolicy: 'Delete' } };
  await cluster.patch(volumeGroupSnapshotContents, '', content.metadata.name, patch, {}, signal).catch(unlessGone);
  if (!hasGroup) await remove(cluster, volumeGroupSnapshotContents, content, signal);
}
