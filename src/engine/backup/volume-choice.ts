/** Whether the volume of a claim is taken, and how: its claim says so first, then its Pods, then the rules of the Backup. */
import { asBuffer, parseAt } from '../../base/json-scanner.ts';
import type { BackupSpec } from '../../resources/backup.ts';
import { parseCapacity, volumeActions } from '../../resources/volume-rules.ts';
import type { VolumeAction, VolumeRule } from '../../resources/volume-rules.ts';
import type { ListedObject } from './new-item.ts';

/** On a claim, the action for its volume. */
export const volumeAnnotation = 'backup.kylon.io/volume';

/** What a choice looks at of a claim. */
export interface Claim {
  readonly namespace: string;
  readonly name: string;
  /** Of its PersistentVolume; undefined where it has none yet. */
  readonly volumeName: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** What its annotation says. */
  readonly asked: string | undefined;
  readonly storageClassName: string | undefined;
  readonly accessModes: readonly string[];
  readonly volumeMode: string;
}

/** What a choice looks at of a PersistentVolume. */
export interface Volume {
  /** Undefined where it is not of a CSI driver. */
  readonly driver: string | undefined;
  /** Bytes; undefined where nobody knows. */
  readonly capacity: number | undefined;
}

export interface Choice {
  readonly action: VolumeAction;
  /** What has decided, for people. */
  readonly by: string;
}

/** A claim as a list shows it. */
interface ListedClaim extends ListedObject {
  readonly spec?: {
    readonly volumeName?: string;
    readonly storageClassName?: string;
    readonly accessModes?: readonly string[];
    readonly volumeMode?: string;
  };
}

export function claimOf(bytes: Uint8Array): Claim {
  const { metadata, spec = {} } = parseAt(asBuffer(bytes), 0, bytes.length) as ListedClaim;
  const { namespace = '', name, labels = {}, annotations = {} } = metadata;
  const { volumeName = '', storageClassName, accessModes = [], volumeMode = 'Filesystem' } = spec;
  return {
    namespace,
    name,
    volumeName: volumeName || undefined,
    labels,
    asked: annotations[volumeAnnotation],
    storageClassName,
    accessModes,
    volumeMode,
  };
}

/** Whether a Backup takes volumes at all. One that does not is left alone by annotations too. */
export function takesVolumes({ snapshotVolumes = false, volumes = {} }: BackupSpec): boolean {
  return snapshotVolumes || (volumes.rules ?? []).length > 0;
}

/** What the claim says itself; undefined where it says nothing, or nothing that is known. */
export function choiceOfClaim({ asked }: Claim): Choice | undefined {
  const action = volumeActions.find((one) => one === asked);
  return action && { action, by: `the annotation ${volumeAnnotation} of the claim` };
}

/** Whether a rule can be held against a claim only with its PersistentVolume. */
export const needsVolume = ({ conditions = {} }: VolumeRule) => conditions.capacity !== undefined || (conditions.driver ?? []).length > 0;

/** The first rule that fits, and what holds where none does. `volume` is undefined where no rule needs it, or it is gone. */
export function choiceOfRules({ volumes = {}, snapshotVolumes = false }: BackupSpec, claim: Claim, volume: Volume | undefined): Choice {
  const rules = volumes.rules ?? [];
  const index = rules.findIndex((rule) => fits(rule, claim, volume));
  const rule = rules[index];
  if (rule) return { action: rule.action, by: `spec.volumes.rules[${index}]` };
  return { action: snapshotVolumes ? 'CSI' : 'Skip', by: 'spec.snapshotVolumes, as no rule fits' };
}

function fits({ conditions = {} }: VolumeRule, claim: Claim, volume: Volume | undefined): boolean {
  const { capacity, storageClass, driver, labels = {}, accessModes = [], volumeMode } = conditions;
  return (
    isIn(capacity, volume?.capacity) &&
    isOneOf(storageClass, claim.storageClassName) &&
    isOneOf(driver, volume?.driver) &&
    Object.entries(labels).every(([key, value]) => claim.labels[key] === value) &&
    accessModes.every((mode) => claim.accessModes.includes(mode)) &&
    (volumeMode === undefined || volumeMode === claim.volumeMode)
  );
}

const isOneOf = (names: readonly string[] = [], name: string | undefined) =>
  names.length === 0 || (name !== undefined && names.includes(name));

function isIn(condition: string | undefined, bytes: number | undefined): boolean {
  if (condition === undefined) return true;
  const range = parseCapacity(condition);
  return range !== undefined && bytes !== undefined && range.least <= bytes && bytes <= range.greatest;
}
