/** Backup: what to save, and what became of it. */
import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineResource } from '../machinery/resource.ts';
import type { Column } from '../machinery/resource.ts';
import { choice, duration, flag, integer, list, object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { valueFaults } from '../machinery/input/schema-faults.ts';
import { kylonUser } from '../machinery/user.ts';
import type { AccessAttributes, User } from '../machinery/user.ts';
import { backupSubresources } from './backup-subresources.ts';
import { humanSize } from './cells.ts';
import { durationFaults } from './durations.ts';
import { group, outlivesNamespace, version } from './group.ts';
import { keyFaults } from './label-selector-faults.ts';
import { selectionFaults, selectionFields } from './selection.ts';
import { hold, refusalOfHeld } from './held.ts';
import { recordedStoreName, storeName, storeNameFaults, storeReferences, withStoreName } from './store-name.ts';
import { begin, endedFaults, keepFields, statusFields } from './status.ts';
import { throttle, throttleFaults } from './throttle.ts';
import { verification } from './verified.ts';
import { volumeFaults, volumes } from './volume-rules.ts';

const spec = object('What is to be saved. Only ttl can be changed.', {
  ...selectionFields('Default: the namespace in which the Backup lies.'),
  snapshotVolumes: optional(
    flag(
      'Whether the volumes of the claims that are taken are taken too, each by a Snapshot beside its claim, which goes with the Backup; volumes.rules go before it. Default: false.',
    ),
  ),
  volumes: optional(volumes),
  throttle: optional(throttle('Of the volumes that are moved; what is restored of them keeps to it too.')),
  csiSnapshotTimeout: optional(duration('How long a driver may take for the snapshot of one volume, or of one group. Default: 10m.')),
  volumeGroupSnapshotLabelKey: optional(
    text(
      'Key of a label. Where several claims of a namespace have it with the same value, their volumes are taken at one moment, by a VolumeGroupSnapshot. Default: each volume is taken by itself.',
    ),
  ),
  storeName: storeName('Name of the BackupStore in which the backup lies, and what is moved of its volumes.'),
  ttl: optional(duration('How long the backup is kept, counted from its completion, as 720h or 1h30m. Default: 720h.')),
  timeout: optional(duration('How long the backup may take; after that it fails. Default: as long as it takes.')),
});

const volume = object('The volume of one claim.', {
  namespace: text('Namespace of the claim, and of the Snapshot.'),
  claim: text('Name of the claim.'),
  snapshotName: optional(text('Name of the Snapshot, where one was to be taken.')),
  volumeGroup: optional(text('Value of the label spec.volumeGroupSnapshotLabelKey, where it was to be taken together with others.')),
  phase: choice(
    'Completed: it is in the backup; Failed: it is not, and the log says why; Skipped: it is not, as was asked for, or as there is none.',
    ['Completed', 'Failed', 'Skipped'],
  ),
  message: optional(text('Why it was skipped.')),
});

/** Volumes of one backup; with them its status stays below the largest object. */
export const mostVolumes = 2_000;

const status = object('What became of the backup. Written by Kylon alone.', {
  ...statusFields('backup'),
  storeName: recordedStoreName,
  expiration: optional(time('When the backup will be deleted, unless it is held then: its completion and spec.ttl.')),
  progress: optional(
    object('How far a running backup is.', {
      totalItems: optional(
        integer(
          'How many objects are saved, and how many are known to come in the list that is being read; some of those may be left out.',
        ),
      ),
      itemsBackedUp: optional(integer('How many objects are saved.')),
    }),
  ),
  items: optional(integer('How many objects the backup holds.')),
  sizeBytes: optional(
    integer('Bytes that all files of the backup take in the object store: the archive, the list of its items, the log and the manifest.'),
  ),
  archive: optional(
    object('The file that holds the objects; the subresource download delivers it.', {
      key: text('Where it lies in the object store.'),
      sha256: text('SHA-256 of the file, in hexadecimal digits.'),
      bytes: integer('Length of the file.'),
      formatVersion: integer('Version of the format of the file.'),
    }),
  ),
  volumes: optional(
    list('What became of the volume of each claim, where the spec has rules for volumes or snapshotVolumes.', volume, {
      'x-kubernetes-list-type': 'atomic',
      maxItems: mostVolumes,
    }),
  ),
  cluster: optional(
    object('The cluster that was saved.', {
      uid: text('UID of its namespace kube-system, by which clusters are told apart.'),
      name: optional(text('Name of the cluster, where it has one.')),
      version: optional(text('Version of Kubernetes that it ran.')),
    }),
  ),
  hold: optional(hold),
  verification: optional(verification),
});

export type BackupSpec = Static<typeof spec>;
export type BackupStatus = Static<typeof status>;
export type BackupVolume = Static<typeof volume>;
export interface Backup extends KubeObject {
  spec: BackupSpec;
  status: BackupStatus;
}

/** `spec.ttl` where none is given. */
const defaultTtl = '720h';

const columns: readonly Column[] = [
  { name: 'Phase', type: 'string', description: 'How far the backup is.', value: 'status.phase' },
  { name: 'Items', type: 'integer', description: 'How many objects it holds so far.', value: (backup) => itemsOf(backup as Backup) },
  {
    name: 'Size',
    type: 'string',
    description: 'What it takes in the object store.',
    value: (backup) => humanSize((backup as Backup).status?.sizeBytes),
  },
  { name: 'Expires', type: 'date', description: 'Time until it will be deleted.', value: 'status.expiration' },
  { name: 'Started', type: 'date', description: 'Time since it began.', priority: 1, value: 'status.startTimestamp' },
  { name: 'Completed', type: 'date', description: 'Time since it ended.', priority: 1, value: 'status.completionTimestamp' },
  { name: 'Errors', type: 'integer', description: 'How many errors there were.', priority: 1, value: 'status.errors' },
  { name: 'Warnings', type: 'integer', description: 'How many warnings there were.', priority: 1, value: 'status.warnings' },
  {
    name: 'Held',
    type: 'date',
    description: 'Time since it is held against expiry and deletion.',
    priority: 1,
    value: 'status.hold.since',
  },
  { name: 'Created By', type: 'string', description: 'Who created it.', priority: 1, value: 'status.createdBy.username' },
];

export const backups = defineResource({
  group,
  version,
  kind: 'Backup',
  plural: 'backups',
  shortNames: ['bk'],
  categories: ['kylon'],
  namespaced: true,
  description:
    'A Backup saves the objects of one or more namespaces. Creating it starts the work; deleting it removes what was saved. It outlives its namespace, unless its annotation backup.kylon.io/outlives-namespace is "false".',
  fields: { spec: optional(spec), status: optional(status) },
  statusSubresource: true,
  columns,
  selectableFields: ['status.phase'],
  subresources: backupSubresources,
  rules: {
    prepareForCreate: (backup, user) => withDefaults(withStoreName(begin(backup, user))),
    prepareForUpdate: (backup, old, user) => withDefaults(keepFields(backup, old, keptFrom(user))),
    validate: (backup, old) =>
      valueFaults(spec, backup.spec, 'spec').length > 0 ? [] : faultsOf(backup as Backup, old as Backup | undefined),
    refuseDelete: (backup) => refusalOfHeld(backup as Backup),
    rightsToCreate: (backup) => rightsToCreate(backup as Backup),
    references: storeReferences,
    outlivesNamespace: ({ metadata }) => metadata.annotations?.[outlivesNamespace] !== 'false',
  },
});

const itemsOf = ({ status }: Backup) => status?.items ?? status?.progress?.itemsBackedUp;

/** Never written again. */
const fixed = ['createdBy', 'storeName'];

/** What of the status only the server writes, whatever rights a client has to it. */
const keptFrom = (user: User) => (user === kylonUser ? fixed : [...fixed, 'hold', 'verification', 'volumes']);

/** A spec of the wrong type stays as it is, for the schema to refuse. */
function withDefaults(backup: KubeObject): KubeObject {
  const given = backup.spec ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return backup;
  const { includedNamespaces = [], ttl = defaultTtl } = given as BackupSpec;
  const own = backup.metadata.namespace ?? '';
  const isEmpty = Array.isArray(includedNamespaces) && includedNamespaces.length === 0;
  return { ...backup, spec: { ...given, includedNamespaces: isEmpty ? [own] : includedNamespaces, ttl } };
}

/** Given a spec that the schema allows. */
function faultsOf(backup: Backup, old: Backup | undefined): readonly FieldError[] {
  return [...specFaults(backup), ...(old ? [...changeFaults(backup, old), ...endedFaults(backup, old)] : [])];
}

function specFaults({ spec }: Backup): readonly FieldError[] {
  return [
    ...selectionFaults(spec),
    ...storeNameFaults(spec.storeName),
    ...durationFaults('spec.ttl', spec.ttl),
    ...durationFaults('spec.timeout', spec.timeout),
    ...durationFaults('spec.csiSnapshotTimeout', spec.csiSnapshotTimeout),
    ...(spec.volumeGroupSnapshotLabelKey === undefined
      ? []
      : keyFaults('spec.volumeGroupSnapshotLabelKey', spec.volumeGroupSnapshotLabelKey)),
    ...volumeFaults(spec.volumes),
    ...throttleFaults(spec.throttle),
  ];
}

/**
 * The work is done with the rights of who created the Backup. Somebody else who may change it must not make it take more, such as
 * what its creator left out.
 */
function changeFaults({ spec }: Backup, old: Backup): readonly FieldError[] {
  const { ttl: _, ...fixed } = spec;
  const { ttl: __, ...before } = old.spec;
  if (isDeepStrictEqual(fixed, before)) return [];
  return [{ field: 'spec', type: 'Forbidden', detail: 'only ttl may be changed: the backup is made as its creator asked for it' }];
}

/** To save a namespace takes the right to create backups there; for patterns the engine asks when it knows what they mean. */
function rightsToCreate({ metadata, spec }: Backup): readonly AccessAttributes[] {
  const right: AccessAttributes = { verb: 'create', group, version, resource: 'backups' };
  const { includedNamespaces = [], includeClusterResources } = spec ?? {};
  if (includedNamespaces.includes('*') || includeClusterResources === true) return [right];
  return includedNamespaces
    .filter((namespace) => namespace !== metadata.namespace && !/[*?]/.test(namespace))
    .map((namespace) => ({ ...right, namespace }));
}
