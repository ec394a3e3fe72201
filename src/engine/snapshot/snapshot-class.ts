/**
 * By which class a volume, or a group of volumes, is taken. The annotation of a claim and the labels are those of Velero:
 * https://velero.io/docs/main/csi/ and https://velero.io/docs/main/volume-group-snapshots/
 */
import type { ApiResource, Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified, quote } from '../../machinery/errors.ts';
import { RunFailed } from '../runs/failure.ts';
import { DriverTakesNone } from './driver-takes-none.ts';
import { volumeGroupSnapshotClasses, volumeGroupSnapshots, volumeSnapshotClasses, volumeSnapshots } from './known.ts';
import { listed } from './listed.ts';

/** On a class `true`; as an annotation of a claim the name of one, and with `_DRIVER` of a Backup or Snapshot. */
export const veleroClass = 'velero.io/csi-volumesnapshot-class';

/** A kind of class, and how one of it is chosen where none is named. */
export interface ClassKind {
  readonly resource: ApiResource;
  /** With which the reasons of failures begin. */
  readonly reason: 'Snapshot' | 'GroupSnapshot';
  /** What is taken by such a class. */
  readonly takes: ApiResource;
  /** Label, set to `true`. */
  readonly label: string;
  /** Annotation, set to `true`: https://kubernetes.io/docs/concepts/storage/volume-snapshot-classes/ */
  readonly defaultClass: string;
  /** What makes the choice clear, for people. */
  readonly cure: string;
}

export const snapshotClasses: ClassKind = {
  resource: volumeSnapshotClasses,
  reason: 'Snapshot',
  takes: volumeSnapshots,
  label: veleroClass,
  defaultClass: 'snapshot.storage.kubernetes.io/is-default-class',
  cure: 'name one in spec.volumeSnapshotClassName',
};

const groupLabel = 'velero.io/csi-volumegroupsnapshot-class';

export const groupSnapshotClasses: ClassKind = {
  resource: volumeGroupSnapshotClasses,
  reason: 'GroupSnapshot',
  takes: volumeGroupSnapshots,
  label: groupLabel,
  defaultClass: 'groupsnapshot.storage.kubernetes.io/is-default-class',
  cure: `give one of them the label ${groupLabel}=true`,
};

export interface SnapshotClass {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly driver: string;
}

/** All of them, read as Kylon itself. Rejects with RunFailed where the cluster does not know such a kind. */
export async function listClasses(cluster: Cluster, { resource, reason, takes }: ClassKind, signal: AbortSignal): Promise<SnapshotClass[]> {
  try {
    return await listed<SnapshotClass>(cluster, resource, {}, signal);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== 404) throw error;
    throw new DriverTakesNone(
      `${reason}sNotServed`,
      `the cluster serves no ${qualified(takes)}: its CRDs and the snapshot controller are not installed`,
    );
  }
}

/** Name of the class: the one that is named, else the one that is marked. Throws RunFailed where that is none or not clear. */
export function chooseClass(
  kind: ClassKind,
  classes: readonly SnapshotClass[],
  driver: string,
  named?: { readonly name: string; readonly by: string },
): string {
  if (named) return namedClass(kind, classes, driver, named);
  const own = classes.filter((one) => one.driver === driver);
  const labelled = own.filter(({ metadata }) => metadata.labels?.[kind.label] === 'true');
  if (labelled.length > 0) return onlyOne(kind, labelled, driver, `the label ${kind.label}=true`);
  const defaults = own.filter(({ metadata }) => metadata.annotations?.[kind.defaultClass] === 'true');
  if (defaults.length > 0) return onlyOne(kind, defaults, driver, `the annotation ${kind.defaultClass}=true`);
  const [reason, fault] = [`${kind.reason}ClassNotFound`, `the driver ${quote(driver)} has no default ${kind.resource.kind}`];
  if (own.length === 0) throw new DriverTakesNone(reason, `${fault}; its classes: none`);
  throw new RunFailed(reason, `${fault}; its classes: ${namesOf(own)}; ${kind.cure}`);
}

function namedClass(
  { resource, reason }: ClassKind,
  classes: readonly SnapshotClass[],
  driver: string,
  { name, by }: { readonly name: string; readonly by: string },
): string {
  const found = classes.find(({ metadata }) => metadata.name === name);
  if (!found) throw new RunFailed(`${reason}ClassNotFound`, `${by} names the ${resource.kind} ${quote(name)}, which is not there`);
  if (found.driver === driver) return name;
  const theirs = `is of the driver ${quote(found.driver)}, the volume is of ${quote(driver)}`;
  throw new RunFailed(`${reason}ClassMismatch`, `the ${resource.kind} ${quote(name)}, which ${by} names, ${theirs}`);
}

function onlyOne({ resource, reason, cure }: ClassKind, marked: readonly SnapshotClass[], driver: string, mark: string): string {
  const [first] = marked;
  if (first && marked.length === 1) return first.metadata.name;
  const which = `${namesOf(marked)} of the driver ${quote(driver)} all have ${mark}`;
  throw new RunFailed(`${reason}ClassAmbiguous`, `the ${resource.kind}es ${which}: ${cure}`);
}

const namesOf = (classes: readonly SnapshotClass[]) => classes.map(({ metadata }) => quote(metadata.name)).join(', ');
