/** Snapshot: the state of one volume, and what became of it. */
import { isDeepStrictEqual } from 'node:util';
import { valueFaults } from '../machinery/input/schema-faults.ts';
import type { FieldError } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineResource } from '../machinery/resource.ts';
import type { Column } from '../machinery/resource.ts';
import { choice, duration, flag, integer, list, object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { kylonUser } from '../machinery/user.ts';
import type { User } from '../machinery/user.ts';
import { subdomainFaults } from '../machinery/writing/names.ts';
import { durationFaults } from './durations.ts';
import { backupUid, group, outlivesNamespace, version } from './group.ts';
import { snapshotSubresources } from './snapshot-subresources.ts';
import { recordedStoreName, storeName, storeNameFaults, storeReferences, withStoreName } from './store-name.ts';
import { begin, endedFaults, keepFields, statusFields } from './status.ts';
import { throttle, throttleFaults } from './throttle.ts';

const source = object('Of what it is a snapshot: persistentVolumeClaimName or volumeSnapshotName is given.', {
  persistentVolumeClaimName: optional(text('Name of the PersistentVolumeClaim whose volume is taken. Kylon takes a VolumeSnapshot of it.')),
  volumeGroupSnapshotContentName: optional(
    text(
      'Name of the VolumeGroupSnapshotContent by which a Backup has taken the volume of the claim at one moment with others; given by the Backup. What the driver has of it goes with the Backup.',
    ),
  ),
  volumeSnapshotName: optional(
    text(
      'Name of a VolumeSnapshot that is there, to adopt it: it is shown and restored from, or with moveData copied, and it stays when the Snapshot is deleted.',
    ),
  ),
});

const spec = object('What is to be taken. Only ttl can be changed.', {
  source,
  method: optional(
    choice(
      'How it is taken: CSI by a VolumeSnapshot, which the driver of the volume has to support; File by a mover that copies the files of the volume into the object store while it may be in use; Copy by tar in a Pod that uses it, for which neither a driver nor a mover is needed; Auto by CSI; with moveData, where the driver takes no snapshots, a clone of the volume is copied, and where it makes none either, the volume itself, as by File.',
      ['Auto', 'CSI', 'File', 'Copy'],
    ),
  ),
  moveData: optional(
    flag(
      'Whether what the driver has kept is copied into the object store; it is let go of then, unless it was adopted. With method File the copy is in the object store anyway.',
    ),
  ),
  storeName: storeName('Name of the BackupStore into which moveData and the methods File and Copy copy.'),
  copy: optional(
    object('Of method Copy.', {
      image: optional(
        text(
          'Image of the Pod that is made where no running Pod has the volume mounted, and of those that bring it back: any with tar, sh and sleep. Default: the one that Kylon was started with, or to bring it back the one of the container that was read.',
        ),
      ),
    }),
  ),
  throttle: optional(throttle('Of moveData and the methods File and Copy; a Restore of the Snapshot may say otherwise.')),
  volumeSnapshotClassName: optional(
    text(
      'Name of the VolumeSnapshotClass. Default: that of the annotation velero.io/csi-volumesnapshot-class of the claim, else of velero.io/csi-volumesnapshot-class_DRIVER of the Snapshot or of its Backup, else the class of the driver with the label velero.io/csi-volumesnapshot-class=true, else its default class.',
    ),
  ),
  ttl: optional(
    duration(
      'How long the snapshot is kept, counted from its completion, as 720h or 1h30m. Default: 720h, or as long as the Backup that has taken it.',
    ),
  ),
  timeout: optional(duration('How long the driver may take until the snapshot is ready to use; after that it fails. Default: 10m.')),
});

const claim = object('The PersistentVolumeClaim that was taken, as it was then: what a restore makes unless told otherwise.', {
  name: text('Name of the claim.'),
  uid: text('UID of the claim.'),
  storageClassName: optional(text('Name of its StorageClass.')),
  volumeMode: optional(text('Filesystem or Block.')),
  accessModes: optional(list('How it could be mounted.', text('One access mode.'), { 'x-kubernetes-list-type': 'atomic' })),
  capacity: optional(text('Size of its volume.')),
});

const status = object('What became of the snapshot. Written by Kylon alone.', {
  ...statusFields('snapshot', 'Events tell of them'),
  storeName: recordedStoreName,
  phase: choice('How far the snapshot is: New, InProgress, Completed (it can be restored), Failed (nothing is left of it), Deleting.', [
    'New',
    'InProgress',
    'Completed',
    'Failed',
    'Deleting',
  ]),
  expiration: optional(time('When the snapshot will be deleted: its completion and spec.ttl.')),
  readyToUse: optional(flag('Whether volumes can be made of it.')),
  restoreSize: optional(text('The least size of a volume that is made of it, as a quantity such as 1Gi.')),
  creationTime: optional(
    time(
      'The moment whose state the driver has kept, or when a clone of the volume was asked for; not set for what was copied while it may have been in use.',
    ),
  ),
  driver: optional(text('Name of the CSI driver that keeps it.')),
  method: optional(
    choice(
      'Where its content lies: with the driver of the volume (CSI), or in the object store, in the repository of the namespace (File) or as a tar file (Copy).',
      ['CSI', 'File', 'Copy'],
    ),
  ),
  handle: optional(
    text(
      'By which the driver knows it; with method File, by which the repository does: the ID of a snapshot of restic; with method Copy, the SHA-256 of the index of the copy, by which all of it can be proved.',
    ),
  ),
  image: optional(text('With method Copy: the image of the container whose tar has read the volume.')),
  files: optional(integer('How many files were copied; with method Copy, folders and links too.')),
  fileWarnings: optional(
    list(
      'With method Copy: what tar has said of files that changed or went while it read them, and of sockets, which it leaves out; the first of these.',
      text('In its words.'),
      { 'x-kubernetes-list-type': 'atomic' },
    ),
  ),
  bytesRead: optional(integer('How many bytes were looked at when it was copied.')),
  bytesAdded: optional(integer('How many bytes of those no earlier copy in the repository had.')),
  bytesStored: optional(integer('How many bytes those take in the object store.')),
  progress: optional(
    object('How far the copying is.', {
      totalBytes: integer('Bytes to be copied, as far as they have been found.'),
      bytesDone: integer('Bytes that are copied.'),
    }),
  ),
  volumeSnapshotName: optional(text('Name of the VolumeSnapshot that stands for it in the namespace.')),
  volumeSnapshotClassName: optional(text('Name of the VolumeSnapshotClass by which it was taken.')),
  volumeSnapshotContentName: optional(text('Name of the VolumeSnapshotContent that stands for it in the cluster.')),
  claim: optional(claim),
  backup: optional(
    object('The Backup that has taken it, and with which it is deleted.', {
      namespace: text('Namespace of the Backup.'),
      name: text('Name of the Backup.'),
    }),
  ),
  driverError: optional(text('What the driver said last while the snapshot was not ready.')),
});

export type SnapshotSpec = Static<typeof spec>;
export type SnapshotStatus = Static<typeof status>;
export interface Snapshot extends KubeObject {
  spec: SnapshotSpec;
  status: SnapshotStatus;
}

/** Where the spec says nothing. The second is that of Velero's csiSnapshotTimeout. */
const defaults = { method: 'Auto', ttl: '720h', timeout: '10m' } as const;

const columns: readonly Column[] = [
  {
    name: 'Claim',
    type: 'string',
    description: 'The PersistentVolumeClaim that was taken.',
    value: (snapshot) => claimOf(snapshot as Snapshot),
  },
  { name: 'Phase', type: 'string', description: 'How far the snapshot is.', value: 'status.phase' },
  { name: 'Ready', type: 'boolean', description: 'Whether volumes can be made of it.', value: 'status.readyToUse' },
  { name: 'Size', type: 'string', description: 'The least size of a volume that is made of it.', value: 'status.restoreSize' },
  { name: 'Expires', type: 'date', description: 'Time until it will be deleted.', value: 'status.expiration' },
  { name: 'Driver', type: 'string', description: 'The CSI driver that keeps it.', priority: 1, value: 'status.driver' },
  {
    name: 'Volume Snapshot',
    type: 'string',
    description: 'The VolumeSnapshot that stands for it.',
    priority: 1,
    value: 'status.volumeSnapshotName',
  },
  { name: 'Backup', type: 'string', description: 'The Backup that has taken it.', priority: 1, value: 'status.backup.name' },
  { name: 'Started', type: 'date', description: 'Time since it began.', priority: 1, value: 'status.startTimestamp' },
  { name: 'Completed', type: 'date', description: 'Time since it ended.', priority: 1, value: 'status.completionTimestamp' },
  { name: 'Created By', type: 'string', description: 'Who created it.', priority: 1, value: 'status.createdBy.username' },
];

/** What of the status is acted upon with rights that are not its creator's: no client may write it, whatever rights it has to the status. */
const ofKylon = [
  'createdBy',
  'storeName',
  'driver',
  'method',
  'handle',
  'image',
  'volumeSnapshotName',
  'volumeSnapshotContentName',
  'claim',
  'backup',
];

export const snapshots = defineResource({
  group,
  version,
  kind: 'Snapshot',
  plural: 'snapshots',
  shortNames: ['ksnap'],
  categories: ['kylon'],
  namespaced: true,
  description:
    'A Snapshot is the state of one volume. Creating it takes the snapshot, with the rights of who created it; deleting it deletes what was taken. It outlives its namespace, unless its annotation backup.kylon.io/outlives-namespace is "false" or it is an adopted VolumeSnapshot.',
  fields: { spec, status: optional(status) },
  statusSubresource: true,
  columns,
  selectableFields: ['status.phase', 'spec.source.persistentVolumeClaimName'],
  subresources: snapshotSubresources,
  rules: {
    prepareForCreate: (snapshot, user) => withDefaults(withStoreName(begin(snapshot, user))),
    prepareForUpdate: (snapshot, old, user) => withDefaults(keepFields(snapshot, old, keptFrom(user))),
    validate: (snapshot, old) =>
      valueFaults(spec, snapshot.spec, 'spec').length > 0 ? [] : faultsOf(snapshot as Snapshot, old as Snapshot | undefined),
    references: storeReferences,
    outlivesNamespace: (snapshot) => outlives(snapshot as Snapshot),
  },
});

const claimOf = ({ spec, status }: Snapshot) => status?.claim?.name ?? spec?.source?.persistentVolumeClaimName;

/** An adopted VolumeSnapshot goes with the namespace, and then there is nothing left to keep but what was copied of it. */
const outlives = ({ metadata, spec }: Snapshot) =>
  metadata.annotations?.[outlivesNamespace] !== 'false' && (spec.source.volumeSnapshotName === undefined || spec.moveData === true);

const keptFrom = (user: User) => (user === kylonUser ? ['createdBy', 'storeName'] : ofKylon);

/** A spec of the wrong type stays as it is, for the schema to refuse. What a Backup has taken is kept as long as that. */
function withDefaults(snapshot: KubeObject): KubeObject {
  const { spec, metadata } = snapshot;
  const { ttl, ...others } = defaults;
  const missing = metadata.labels?.[backupUid] === undefined ? { ...others, ttl } : others;
  return typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? { ...snapshot, spec: { ...missing, ...spec } } : snapshot;
}

/** Given a spec that the schema allows. */
function faultsOf(snapshot: Snapshot, old: Snapshot | undefined): readonly FieldError[] {
  return [...specFaults(snapshot), ...(old ? [...changeFaults(snapshot, old), ...endedFaults(snapshot, old)] : [])];
}

function specFaults({ spec }: Snapshot): readonly FieldError[] {
  const { persistentVolumeClaimName, volumeSnapshotName } = spec.source;
  return [
    ...sourceFaults(spec),
    ...objectNameFaults('spec.source.persistentVolumeClaimName', persistentVolumeClaimName),
    ...objectNameFaults('spec.source.volumeGroupSnapshotContentName', spec.source.volumeGroupSnapshotContentName),
    ...objectNameFaults('spec.source.volumeSnapshotName', volumeSnapshotName),
    ...objectNameFaults('spec.volumeSnapshotClassName', spec.volumeSnapshotClassName),
    ...storeNameFaults(spec.storeName),
    ...durationFaults('spec.ttl', spec.ttl),
    ...durationFaults('spec.timeout', spec.timeout),
    ...throttleFaults(spec.throttle),
  ];
}

function sourceFaults(spec: SnapshotSpec): readonly FieldError[] {
  const { persistentVolumeClaimName, volumeSnapshotName } = spec.source;
  const given = [persistentVolumeClaimName, volumeSnapshotName].filter((name) => name !== undefined);
  if (given.length === 0)
    return [{ field: 'spec.source', type: 'Required value', detail: 'persistentVolumeClaimName or volumeSnapshotName must be given' }];
  if (given.length > 1)
    return [
      { field: 'spec.source', type: 'Forbidden', detail: 'only one of persistentVolumeClaimName and volumeSnapshotName may be given' },
    ];
  return [...classFaults(spec), ...groupFaults(spec), ...methodFaults(spec)];
}

function classFaults({ source, volumeSnapshotClassName }: SnapshotSpec): readonly FieldError[] {
  if (volumeSnapshotClassName === undefined) return [];
  const others = (['volumeSnapshotName', 'volumeGroupSnapshotContentName'] as const).filter((field) => source[field] !== undefined);
  return others.map((field) => ({
    field: 'spec.volumeSnapshotClassName',
    type: 'Forbidden',
    detail: `may not be used with ${field}: that one has its class`,
  }));
}

function methodFaults({
  source,
  method,
  moveData,
  throttle,
  storeName,
  copy,
  volumeSnapshotClassName,
}: SnapshotSpec): readonly FieldError[] {
  const isTaken = source.volumeSnapshotName !== undefined || source.volumeGroupSnapshotContentName !== undefined;
  const readsVolume = method === 'File' || method === 'Copy';
  const copiesNothing = !moveData && !readsVolume;
  const onlyForCopies = 'may be used with moveData or the methods File and Copy only: nothing else moves data';
  const faults: readonly [applies: unknown, field: string, detail: string][] = [
    [isTaken && readsVolume, 'spec.method', `may not be ${method} where a VolumeSnapshot is there already`],
    [
      source.volumeGroupSnapshotContentName !== undefined && moveData,
      'spec.moveData',
      'may not be used with volumeGroupSnapshotContentName',
    ],
    [method === 'Copy' && moveData, 'spec.moveData', 'may not be used with method Copy: the copy is in the object store'],
    [throttle && copiesNothing, 'spec.throttle', onlyForCopies],
    [storeName !== undefined && copiesNothing, 'spec.storeName', onlyForCopies],
    [
      readsVolume && volumeSnapshotClassName !== undefined,
      'spec.volumeSnapshotClassName',
      `may not be used with method ${method}: no VolumeSnapshot is taken`,
    ],
    [copy && method !== 'Copy', 'spec.copy', 'may be used with method Copy only'],
  ];
  return faults.filter(([applies]) => applies).map(([, field, detail]) => ({ field, type: 'Forbidden', detail }));
}

function groupFaults({ source }: SnapshotSpec): readonly FieldError[] {
  if (source.volumeGroupSnapshotContentName === undefined || source.volumeSnapshotName === undefined) return [];
  const detail = 'may be used with persistentVolumeClaimName only';
  return [{ field: 'spec.source.volumeGroupSnapshotContentName', type: 'Forbidden', detail }];
}

function objectNameFaults(field: string, value: string | undefined): readonly FieldError[] {
  return value === undefined ? [] : subdomainFaults(value).map((detail) => ({ field, type: 'Invalid value', value, detail }));
}

/** The work is done with the rights of who created the Snapshot: nobody else may turn it to something else. */
function changeFaults({ spec }: Snapshot, old: Snapshot): readonly FieldError[] {
  const { ttl: _, ...fixed } = spec;
  const { ttl: __, ...before } = old.spec;
  if (isDeepStrictEqual(fixed, before)) return [];
  return [{ field: 'spec', type: 'Forbidden', detail: 'only ttl may be changed: the snapshot is taken as its creator asked for it' }];
}
