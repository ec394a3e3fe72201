/** Claims of one namespace whose volumes a Backup takes at one moment: those that have a label with the same value. */
import { ClusterError } from '../../cluster/cluster.ts';
import { failureOf, RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import type { Backup } from '../../resources/backup.ts';
import { parseDuration } from '../../resources/durations.ts';
import { discardGroups } from '../snapshot/discard-groups.ts';
import { groupNameOf } from '../snapshot/group-objects.ts';
import { takeGroup } from '../snapshot/group.ts';
import type { LabelledClaims } from '../snapshot/group.ts';
import { membersOf } from '../snapshot/member.ts';
import { nameOf, readVolume } from './choose-volumes.ts';
import type { Chosen } from './choose-volumes.ts';
import type { Claim } from './volume-choice.ts';

/** Milliseconds, as of a Snapshot. */
const defaultTimeout = 600_000;

export class VolumeGroup {
  readonly labelled: LabelledClaims;
  readonly claims: Claim[] = [];
  #content: Promise<string> | undefined;

  constructor(labelled: LabelledClaims) {
    this.labelled = labelled;
  }

  /** Takes it, once for all its claims. Resolves to the name of the VolumeGroupSnapshotContent; rejects with RunFailed where it cannot be taken. */
  take(work: Work): Promise<string> {
    this.#content ??= this.#take(work).catch(refuse);
    return this.#content;
  }

  /** Begins to take it out of the cluster; where that cannot be, it goes with the Backup. */
  async discard({ parts, object, run, signal }: Work): Promise<void> {
    const { namespace, key, value } = this.labelled;
    try {
      await discardGroups(parts, object, signal, { namespace, name: groupNameOf(object, value) });
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      run.log.warn(`the group ${key}=${value} of ${namespace} is still in the cluster: ${error.message}`);
    }
  }

  async #take(work: Work): Promise<string> {
    const { csiSnapshotTimeout = '' } = (work.object as Backup).spec;
    const ms = parseDuration(csiSnapshotTimeout) ?? defaultTimeout;
    const content = await takeGroup(work, this.labelled, await this.#driver(work), ms);
    const others = membersOf(content).length - this.claims.length;
    const { key, value } = this.labelled;
    if (others > 0) work.run.log.warn(`with the group ${key}=${value} the driver has taken ${others} volumes that are not in the backup`);
    return content.metadata.name;
  }

  /** The one that all its volumes have. */
  async #driver(work: Work): Promise<string> {
    const drivers = new Set<string>();
    for (const claim of this.claims) {
      const volume = await readVolume(work, claim);
      if (!volume) throw new RunFailed('VolumeNotFound', `the volume of the claim ${nameOf(claim)} is gone`);
      if (volume.driver === undefined)
        throw new RunFailed('VolumeNotCSI', `the volume of the claim ${nameOf(claim)} is not of a CSI driver`);
      drivers.add(volume.driver);
    }
    const [driver = '', ...others] = drivers;
    if (others.length === 0) return driver;
    throw new RunFailed('GroupOfSeveralDrivers', `a group has to be of one CSI driver, this one is of ${[...drivers].join(', ')}`);
  }
}

/** What the cluster refuses is the end of a group, and not of the backup. */
function refuse(error: unknown): never {
  if (!(error instanceof ClusterError)) throw error;
  const { reason, message } = failureOf(error);
  throw new RunFailed(reason, message, error);
}

/** Of each claim that is taken and not alone in its group. */
export function groupsOf({ spec }: Backup, chosen: readonly Chosen[]): ReadonlyMap<Claim, VolumeGroup> {
  const { volumeGroupSnapshotLabelKey: key } = spec;
  if (key === undefined) return new Map();
  const groups = new Map<string, VolumeGroup>();
  for (const { claim, choice } of chosen) {
    const { namespace, labels } = claim;
    const value = labels[key];
    if (choice?.action !== 'CSI' || !value) continue;
    const id = `${namespace}/${value}`;
    const group = groups.get(id) ?? new VolumeGroup({ namespace, key, value });
    group.claims.push(claim);
    groups.set(id, group);
  }
  const several = [...groups.values()].filter(({ claims }) => claims.length > 1);
  return new Map(several.flatMap((group) => group.claims.map((claim) => [claim, group] as const)));
}
