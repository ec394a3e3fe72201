/** By which VolumeSnapshotClass a volume is taken. The annotation and the label are those of Velero: https://velero.io/docs/main/csi/ */
import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { RunFailed } from '../runs/failure.ts';
import { volumeSnapshotClasses } from './known.ts';

/** On a class `true`; as an annotation of a claim, the name of one. */
export const veleroClass = 'velero.io/csi-volumesnapshot-class';
/** https://kubernetes.io/docs/concepts/storage/volume-snapshot-classes/ */
export const defaultClass = 'snapshot.storage.kubernetes.io/is-default-class';

export interface SnapshotClass {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly driver: string;
}

/** All of them, read as Kylon itself. Rejects with RunFailed where the cluster does not know such a kind. */
export async function listClasses(cluster: Cluster, signal: AbortSignal): Promise<SnapshotClass[]> {
  const classes: SnapshotClass[] = [];
  try {
    for await (const { items } of cluster.list(volumeSnapshotClasses, {}, signal))
      classes.push(...items.map((item) => JSON.parse(Buffer.from(item).toString()) as SnapshotClass));
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== 404) throw error;
    throw new RunFailed(
      'SnapshotsNotServed',
      'the cluster serves no volumesnapshots.snapshot.storage.k8s.io: its CRDs and the snapshot controller are not installed',
    );
  }
  return classes;
}

/** Name of the class: the one that is named, else the one that is marked. Throws RunFailed where that is none or not clear. */
export function chooseClass(classes: readonly SnapshotClass[], driver: string, named: { name: string; by: string } | undefined): string {
  if (named) return namedClass(classes, driver, named);
  const own = classes.filter((one) => one.driver === driver);
  const labelled = own.filter(({ metadata }) => metadata.labels?.[veleroClass] === 'true');
  if (labelled.length > 0) return onlyOne(labelled, driver, `the label ${veleroClass}=true`);
  const defaults = own.filter(({ metadata }) => metadata.annotations?.[defaultClass] === 'true');
  if (defaults.length > 0) return onlyOne(defaults, driver, `the annotation ${defaultClass}=true`);
  const others = own.length > 0 ? `${namesOf(own)}; name one in spec.volumeSnapshotClassName` : 'none';
  throw new RunFailed('SnapshotClassNotFound', `the driver ${quote(driver)} has no default VolumeSnapshotClass; its classes: ${others}`);
}

function namedClass(classes: readonly SnapshotClass[], driver: string, { name, by }: { name: string; by: string }): string {
  const found = classes.find(({ metadata }) => metadata.name === name);
  if (!found) throw new RunFailed('SnapshotClassNotFound', `${by} names the VolumeSnapshotClass ${quote(name)}, which is not there`);
  if (found.driver === driver) return name;
  const theirs = `is of the driver ${quote(found.driver)}, the volume is of ${quote(driver)}`;
  throw new RunFailed('SnapshotClassMismatch', `the VolumeSnapshotClass ${quote(name)}, which ${by} names, ${theirs}`);
}

function onlyOne(marked: readonly SnapshotClass[], driver: string, mark: string): string {
  const [first] = marked;
  if (first && marked.length === 1) return first.metadata.name;
  const which = `${namesOf(marked)} of the driver ${quote(driver)} all have ${mark}`;
  throw new RunFailed('SnapshotClassAmbiguous', `the VolumeSnapshotClasses ${which}: name one in spec.volumeSnapshotClassName`);
}

const namesOf = (classes: readonly SnapshotClass[]) => classes.map(({ metadata }) => quote(metadata.name)).join(', ');
