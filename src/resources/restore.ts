/** Restore: which backup or snapshot to bring back, how, and what became of it. */
import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../machinery/errors.ts';
import { labelNameFaults, subdomainFaults } from '../machinery/writing/names.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineResource } from '../machinery/resource.ts';
import type { Column } from '../machinery/resource.ts';
import { choice, flag, integer, list, map, object, optional, text } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { valueFaults } from '../machinery/input/schema-faults.ts';
import { kylonUser } from '../machinery/user.ts';
import type { AccessAttributes, User } from '../machinery/user.ts';
import { accessModes } from './claim-modes.ts';
import { group, version } from './group.ts';
import { sizeFaults } from './quantities.ts';
import { replacement, steps } from './replacement.ts';
import { restoreSubresources } from './restore-subresources.ts';
import { selectionFaults, selectionFields } from './selection.ts';
import { throttle, throttleFaults } from './throttle.ts';
import { transformFaults, transforms } from './transforms.ts';
import { volumeFiles, volumeFilesFaults } from './volume-files.ts';
import { begin, endedFaults, keepFields, statusFields } from './status.ts';

const item = object('One object of the backup.', {
  group: optional(text('API group of the object, such as apps; empty for the core group.')),
  resource: text('Plural of its kind, such as deployments.'),
  namespace: optional(text('Namespace in which it lay when it was saved; empty for an object that lies in none.')),
  name: text('Name of the object.'),
});

type Item = Static<typeof item>;

const claim = object('The PersistentVolumeClaim that is made of a Snapshot, or into whose volume files of it are put.', {
  name: optional(
    text('Name of the claim. One that is there takes existingResourcePolicy Update, or files. Default: that of the claim that was taken.'),
  ),
  storageClassName: optional(
    text(
      'Name of its StorageClass, whose driver must be that of the Snapshot, unless that lies in the object store. Default: that of the claim that was taken, or of the one that is there.',
    ),
  ),
  size: optional(
    text(
      'Size of its volume, as a quantity such as 10Gi, not less than status.restoreSize of the Snapshot. Default: that of the volume that was taken, or of the one that is replaced.',
    ),
  ),
  accessModes: optional(
    list(
      'How it can be mounted. Default: as the claim that was taken, or the one that is there.',
      choice('One access mode.', accessModes),
      {
        'x-kubernetes-list-type': 'atomic',
      },
    ),
  ),
  verify: optional(
    flag(
      'Whether what was written into its volume is read back and compared; of a whole volume only where the Snapshot lies in the object store. Default: false.',
    ),
  ),
});

const spec = object('What is to be restored, and how. It cannot be changed.', {
  backupName: optional(text('Name of the Backup that is restored. Either this or snapshotName is given.', { minLength: 1 })),
  snapshotName: optional(
    text(
      'Name of a Snapshot, of which a PersistentVolumeClaim is made. All fields but snapshotNamespace, claim, files, throttle, existingResourcePolicy and dryRun are about Backups.',
      {
        minLength: 1,
      },
    ),
  ),
  snapshotNamespace: optional(
    text('Namespace of the Snapshot. Default: that of the Restore; another one takes the right to create snapshots/restore there.'),
  ),
  claim: optional(claim),
  files: optional(volumeFiles),
  throttle: optional(throttle('Of a Snapshot that lies in the object store. Default: that of the Snapshot.')),
  backupNamespace: optional(
    text('Namespace of the Backup. Default: that of the Restore; another one takes the right to create backups/restore there.'),
  ),
  ...selectionFields('Default: all that the backup holds.'),
  items: optional(
    list('Restores these objects only, as far as the other fields select them too. Default: all.', item, {
      'x-kubernetes-list-type': 'atomic',
      maxItems: 10_000,
    }),
  ),
  namespaceMapping: optional(
    map(
      'Restores what lay in one namespace into another, with its volumes: from the name in the backup to the name to use.',
      text('Name of the namespace to use.'),
    ),
  ),
  storageClassMapping: optional(
    map(
      'Restores storage into another class: from the name of the StorageClass in the backup to the name to use, in claims, volumes and what makes claims.',
      text('Name of the StorageClass to use.'),
    ),
  ),
  transforms,
  existingResourcePolicy: optional(
    choice(
      'What is done with an object that is there already and differs: Skip leaves it, Update changes it to what was saved but for what controllers have set since, Recreate deletes it first. Of a Snapshot: Skip refuses a claim that is there, Update gives it a new volume, while the workloads that use it are scaled down. Of files: Skip refuses what is there, Update overwrites what differs.',
      ['Skip', 'Update', 'Recreate'],
      { default: 'Skip' },
    ),
  ),
  restoreStatus: optional(flag('Whether the status of objects is restored as well. Default: false, controllers find it out anew.')),
  preserveNodePorts: optional(flag('Whether Services get the node ports that they had. Default: false, the cluster assigns new ones.')),
  dryRun: optional(flag('Whether every write is only tried: the results say what would happen, and nothing is changed. Default: false.')),
});

const status = object('What became of the restore. Written by Kylon alone.', {
  ...statusFields('restore'),
  progress: optional(
    object('How far a running restore is.', {
      totalItems: optional(integer('How many objects are to be restored.')),
      itemsRestored: optional(integer('How many of them are done, whatever the outcome.')),
      totalBytes: optional(
        integer('How many bytes are to be brought from the object store into a volume, as far as they have been found.'),
      ),
      bytesDone: optional(integer('How many of them are there.')),
    }),
  ),
  files: optional(integer('How many files, folders and links were written, where spec.files names what is restored.')),
  filesUnchanged: optional(integer('How many files were there already as they are in the Snapshot.')),
  bytesRestored: optional(integer('How many bytes were written into those files.')),
  counts: optional(
    object('How many objects had which outcome; the subresource results has them one by one.', {
      created: optional(integer('Were not there and have been created.')),
      updated: optional(integer('Were there and have been changed.')),
      recreated: optional(integer('Were there, have been deleted and created anew.')),
      unchanged: optional(integer('Were there, as they were saved.')),
      skipped: optional(integer('Were left alone.')),
      failed: optional(integer('Could not be restored.')),
    }),
  ),
  steps: optional(steps),
  replacement: optional(replacement),
});

export type RestoreSpec = Static<typeof spec>;
export type RestoreStatus = Static<typeof status>;
export interface Restore extends KubeObject {
  spec: RestoreSpec;
  status: RestoreStatus;
}

const columns: readonly Column[] = [
  { name: 'Backup', type: 'string', description: 'The backup that is restored.', value: 'spec.backupName' },
  { name: 'Phase', type: 'string', description: 'How far the restore is.', value: 'status.phase' },
  { name: 'Items', type: 'integer', description: 'How many objects are done so far.', value: 'status.progress.itemsRestored' },
  { name: 'Failed', type: 'integer', description: 'How many of them could not be restored.', value: 'status.counts.failed' },
  { name: 'Snapshot', type: 'string', description: 'The snapshot that is restored.', priority: 1, value: 'spec.snapshotName' },
  { name: 'Started', type: 'date', description: 'Time since it began.', priority: 1, value: 'status.startTimestamp' },
  { name: 'Completed', type: 'date', description: 'Time since it ended.', priority: 1, value: 'status.completionTimestamp' },
  { name: 'Errors', type: 'integer', description: 'How many errors there were.', priority: 1, value: 'status.errors' },
  { name: 'Warnings', type: 'integer', description: 'How many warnings there were.', priority: 1, value: 'status.warnings' },
  {
    name: 'Created By',
    type: 'string',
    description: 'Who created it, and as whom it is carried out.',
    priority: 1,
    value: 'status.createdBy.username',
  },
];

export const restores = defineResource({
  group,
  version,
  kind: 'Restore',
  plural: 'restores',
  shortNames: ['rst'],
  categories: ['kylon'],
  namespaced: true,
  description:
    'A Restore brings back what a Backup holds, or a part of it, or the volume of a Snapshot, with the rights of who created the Restore. Creating it starts the work. It may be created in a namespace that is gone, if its Backup lies there.',
  fields: { spec, status: optional(status) },
  statusSubresource: true,
  columns,
  selectableFields: ['status.phase', 'spec.backupName', 'spec.snapshotName'],
  subresources: restoreSubresources,
  rules: {
    prepareForCreate: begin,
    prepareForUpdate: (restore, old, user) => keepFields(restore, old, keptFrom(user)),
    validate: (restore, old) =>
      valueFaults(spec, restore.spec, 'spec').length > 0 ? [] : faultsOf(restore as Restore, old as Restore | undefined),
    rightsToCreate: (restore) => rightsToCreate(restore as Restore),
    createsNamespace: (restore) => backupBeside(restore as Restore),
  },
});

/** What of the status only the server writes, whatever rights a client has to it: it is acted upon with the rights of the creator, and of Kylon. */
const keptFrom = (user: User) => (user === kylonUser ? ['createdBy'] : ofKylon);

const ofKylon = ['createdBy', 'replacement', 'files', 'filesUnchanged', 'bytesRestored'];

/** Given a spec that the schema allows. */
function faultsOf(restore: Restore, old: Restore | undefined): readonly FieldError[] {
  return [...specFaults(restore), ...(old ? [...changeFaults(restore, old), ...endedFaults(restore, old)] : [])];
}

function specFaults({ spec }: Restore): readonly FieldError[] {
  const { items = [], namespaceMapping = {}, storageClassMapping = {} } = spec;
  return [
    ...sourceFaults(spec),
    ...claimFaults(spec.claim),
    ...filesFaults(spec),
    ...throttleFaults(spec.throttle),
    ...(['backupNamespace', 'snapshotNamespace'] as const).flatMap((field) => namespaceFaults(`spec.${field}`, spec[field])),
    ...selectionFaults(spec),
    ...items.flatMap((item, index) => itemFaults(`spec.items[${index}]`, item)),
    ...Object.entries(namespaceMapping).flatMap(([from, to]) => [
      ...namespaceFaults('spec.namespaceMapping', from),
      ...namespaceFaults(`spec.namespaceMapping[${from}]`, to),
    ]),
    ...Object.entries(storageClassMapping).flatMap(([from, to]) => [
      ...objectNameFaults('spec.storageClassMapping', from),
      ...objectNameFaults(`spec.storageClassMapping[${from}]`, to),
    ]),
    ...transformFaults(spec.transforms),
  ];
}

const onlyOfSnapshots = ['snapshotNamespace', 'claim', 'files', 'throttle'] as const;
const ofSnapshots: ReadonlySet<string> = new Set(['snapshotName', 'dryRun', ...onlyOfSnapshots]);
/** Of a claim that is there nothing is changed. */
const ofNewClaims = ['storageClassName', 'size', 'accessModes'] as const;
/** Skip is also what the schema fills in. */
const isPolicyOfSnapshots = (field: string, value: unknown) => field === 'existingResourcePolicy' && value !== 'Recreate';

/** A restore is of a Backup or of a Snapshot, and says nothing about the other. */
function sourceFaults(spec: RestoreSpec): readonly FieldError[] {
  const { backupName, snapshotName } = spec;
  if (backupName === undefined && snapshotName === undefined)
    return [{ field: 'spec.backupName', type: 'Required value', detail: 'backupName or snapshotName must be given' }];
  if (snapshotName === undefined)
    return onlyOfSnapshots
      .filter((field) => spec[field] !== undefined)
      .map((field) => forbidden(field, 'may be used with snapshotName only'));
  return Object.entries(spec)
    .filter(([field, value]) => value !== undefined && !ofSnapshots.has(field) && !isPolicyOfSnapshots(field, value))
    .map(([field]) => forbidden(field, 'may not be used together with snapshotName'));
}

const forbidden = (field: string, detail: string): FieldError => ({ field: `spec.${field}`, type: 'Forbidden', detail });

function claimFaults({ name, storageClassName, size }: Partial<NonNullable<RestoreSpec['claim']>> = {}): readonly FieldError[] {
  return [
    ...(name === undefined ? [] : objectNameFaults('spec.claim.name', name)),
    ...(storageClassName === undefined ? [] : objectNameFaults('spec.claim.storageClassName', storageClassName)),
    ...sizeFaults('spec.claim.size', size),
  ];
}

function filesFaults({ files, claim = {} }: RestoreSpec): readonly FieldError[] {
  if (!files) return [];
  const changes = ofNewClaims.filter((field) => claim[field] !== undefined);
  return [
    ...volumeFilesFaults('spec.files', files),
    ...changes.map((field) => forbidden(`claim.${field}`, 'may not be used together with files: the claim stays as it is')),
  ];
}

function itemFaults(field: string, item: Item): readonly FieldError[] {
  return (['resource', 'name'] as const)
    .filter((part) => item[part] === '')
    .map((part) => ({ field: `${field}.${part}`, type: 'Required value', detail: '' }));
}

const namespaceFaults = (field: string, value: string | undefined): readonly FieldError[] =>
  value === undefined ? [] : labelNameFaults(value).map((detail) => ({ field, type: 'Invalid value', value, detail }));

const objectNameFaults = (field: string, value: string): readonly FieldError[] =>
  subdomainFaults(value).map((detail) => ({ field, type: 'Invalid value', value, detail }));

function changeFaults({ spec }: Restore, old: Restore): readonly FieldError[] {
  return isDeepStrictEqual(spec, old.spec)
    ? []
    : [{ field: 'spec', type: 'Forbidden', detail: 'may not be changed: create another Restore' }];
}

function rightsToCreate({ metadata, spec }: Restore): readonly AccessAttributes[] {
  const { backupName, snapshotName } = spec;
  const [resource, name = '', namespace] =
    snapshotName === undefined ? ['backups', backupName, spec.backupNamespace] : ['snapshots', snapshotName, spec.snapshotNamespace];
  if (!namespace || namespace === metadata.namespace) return [];
  return [{ verb: 'create', group, version, resource, subresource: 'restore', namespace, name }];
}

/** The Backup, if it lies where the Restore does: it proves that the namespace was there and may come back. */
function backupBeside({ metadata, spec }: Restore) {
  const { namespace = '' } = metadata;
  if (!spec.backupName || (spec.backupNamespace && spec.backupNamespace !== namespace)) return undefined;
  return { resource: `backups.${group}`, namespace, name: spec.backupName };
}
