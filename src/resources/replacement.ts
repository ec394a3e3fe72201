/** What the status of a Restore says while the volume of a claim that is there is replaced. */
import { choice, integer, list, object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';

const workload = object('A workload whose Pods use the claim.', {
  kind: choice('Its kind.', ['Deployment', 'ReplicaSet', 'StatefulSet']),
  name: text('Its name.'),
  replicas: integer('How many replicas it had, and gets again.'),
});

export const replacement = object('What a run that begins anew has to know of the claim whose volume is replaced.', {
  claim: text('Name of the claim.'),
  claimUid: text('UID of the claim before: it is deleted and made anew under its name.'),
  previousVolumeName: text('Name of the PersistentVolume that the claim had before.'),
  volumeName: optional(text('Name of the PersistentVolume that was made of the Snapshot.')),
  workloads: list('What is scaled down meanwhile.', workload, { 'x-kubernetes-list-type': 'atomic' }),
});

const step = object('One step of the work.', {
  name: text(
    'MakeVolume, ScaleDown, ReplaceVolume, ScaleUp; GoBack where one of them has failed. With spec.files: FindFiles, RestoreFiles.',
  ),
  phase: choice('How far it is.', ['InProgress', 'Completed', 'Failed']),
  startTimestamp: time('When it began.'),
  completionTimestamp: optional(time('When it ended.')),
  message: optional(text('What it has done, or why it failed, for people.')),
});

export const steps = list('The steps of a Restore that changes a claim that is there, in the order in which they began.', step, {
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
});

export type Workload = Static<typeof workload>;
export type ReplacementStatus = Static<typeof replacement>;
export type Step = Static<typeof step>;
