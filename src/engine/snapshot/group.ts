/**
 * Takes volumes of one namespace at one moment, for a Backup. The VolumeGroupSnapshot is made as its creator. As soon as the driver has
 * taken all, the content of the group is retained, and the VolumeGroupSnapshot goes, with the VolumeSnapshots that the snapshot controller
 * has made of it: those cannot be deleted one by one. What the driver has stays as long as the content does, which goes with the Backup.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { makeProved } from '../proved.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { until } from '../until.ts';
import { awaitReady } from './await-ready.ts';
import { retain } from './content.ts';
import { findGroup, findGroupContent, groupContentNameOf, groupNameOf, groupRefOf, listKept, removeGroup } from './group-objects.ts';
import { groupLabelsOf, volumeGroupSnapshotContents, volumeGroupSnapshots } from './known.ts';
import { chooseClass, groupSnapshotClasses, listClasses } from './snapshot-class.ts';

/** The claims of a namespace with this label. */
export interface LabelledClaims {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
}

interface Group extends LabelledClaims {
  /** Of the VolumeGroupSnapshot. */
  readonly name: string;
}

/** Resolves to the VolumeGroupSnapshotContent that is kept; rejects with RunFailed where it is not there within `ms`. */
export async function takeGroup(work: Work, claims: LabelledClaims, driver: string, ms: number): Promise<ClusterObject> {
  const group = { ...claims, name: groupNameOf(work.object, claims.value) };
  const content = (await findKept(work, group)) ?? (await take(work, group, driver, ms));
  await dissolve(work, group, ms);
  return content;
}

/** An earlier run of the Backup may have ended when it had been taken. */
async function findKept({ parts, object, signal }: Work, { namespace, name }: Group): Promise<ClusterObject | undefined> {
  const { clock } = parts;
  const kept = await retried(clock, signal, () => listKept(parts, object, signal));
  return kept.find((content) => groupRefOf(content)['name'] === name && groupRefOf(content)['namespace'] === namespace);
}

async function take(work: Work, group: Group, driver: string, ms: number): Promise<ClusterObject> {
  const { parts, object, signal } = work;
  const { name } = group;
  const look = () => findGroup(parts, object, group, signal);
  if (!(await look())) await createGroup(work, group, driver);
  const ready = await awaitReady(work, { resource: volumeGroupSnapshots, name, look, contentNameOf: groupContentNameOf }, ms);
  return retried(parts.clock, signal, () => keep(work, ready));
}

async function createGroup(work: Work, { namespace, name, key, value }: Group, driver: string): Promise<void> {
  const { parts, creator, object, signal } = work;
  const classes = await listClasses(parts.cluster, groupSnapshotClasses, signal);
  const volumeGroupSnapshotClassName = chooseClass(groupSnapshotClasses, classes, driver);
  const group = {
    apiVersion: groupVersion(volumeGroupSnapshots),
    kind: volumeGroupSnapshots.kind,
    metadata: { name, namespace, labels: groupLabelsOf(object) },
    spec: { volumeGroupSnapshotClassName, source: { selector: { matchLabels: { [key]: value } } } },
  };
  await makeProved({ parts, cluster: parts.cluster.as(creator), signal }, volumeGroupSnapshots, group, object);
}

/** Retains the content of the group. */
async function keep({ parts, object, signal }: Work, group: ClusterObject): Promise<ClusterObject> {
  const content = await findGroupContent(parts.cluster, group, signal);
  if (content) return retain(parts.cluster, volumeGroupSnapshotContents, content, groupLabelsOf(object), signal);
  const missing = notFound(volumeGroupSnapshotContents, groupContentNameOf(group) ?? '');
  throw new RunFailed('VolumeGroupSnapshotContentNotFound', missing.message);
}

/**
 * Resolves when the VolumeGroupSnapshot is gone. As long as it is there, the snapshot controller takes every VolumeSnapshot of what the
 * group holds for a member, and would delete it too.
 */
async function dissolve(work: Work, group: Group, ms: number): Promise<void> {
  const { parts, object, signal } = work;
  const what = () => `the VolumeGroupSnapshot ${quote(group.name)} is not deleted after ${ms / 1_000} s`;
  await until(work, ms, what, async () => {
    const found = await findGroup(parts, object, group, signal);
    if (found) await removeGroup(parts.cluster, found, signal);
    return found === undefined;
  });
}
