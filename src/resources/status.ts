/** What the status of a Backup, a Restore and a Snapshot have in common. */
import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { choice, integer, list, map, object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import type { User } from '../machinery/user.ts';
import { dataFinalizer } from './group.ts';

/** Everything that Kylon's work goes through. Completed, PartiallyFailed and Failed are the ends. */
export const phases = ['New', 'InProgress', 'Completed', 'PartiallyFailed', 'Failed', 'Deleting'] as const;
export type Phase = (typeof phases)[number];

export const condition = (type: string, reason = 'Why, in one word.') =>
  object('One aspect of the state.', {
    type: text(type),
    status: choice('Whether it holds.', ['True', 'False', 'Unknown']),
    observedGeneration: optional(integer('The metadata.generation that it is about.')),
    lastTransitionTime: time('When status last changed.'),
    reason: text(reason),
    message: text('Why, for people.'),
  });

const conditionOfWork = condition(
  'The aspect: Complete, Failed, Reconciling or Stalled, and Verified of a Backup.',
  'Why, in one word: the phase, of the work or of the verification.',
);

const createdBy = object(
  'Who created the object, as the API server knew them. It is recorded by the server and cannot be set or changed.',
  {
    username: text('Name of the user.'),
    uid: optional(text('UID of the user, where the authentication knows one.')),
    groups: optional(list('Groups of the user.', text('Name of a group.'), { 'x-kubernetes-list-type': 'atomic' })),
    extra: optional(
      map(
        'More that the authentication knows of the user.',
        list('The values of one key.', text('One value.'), { 'x-kubernetes-list-type': 'atomic' }),
      ),
    ),
  },
);

export type CreatedBy = Static<typeof createdBy>;

/** `told` says where warnings and errors can be read. */
export function statusFields(work: string, told = 'the log has them') {
  return {
    phase: choice(
      `How far the ${work} is: New, InProgress, Completed, PartiallyFailed (done, though not every item), Failed (nothing to be used), Deleting (its data is being removed).`,
      phases,
    ),
    observedGeneration: optional(integer('The metadata.generation that this status is about.')),
    conditions: optional(
      list(
        `Complete is True when the ${work} is Completed or PartiallyFailed, its reason says which; Failed is True when it is Failed. Reconciling and Stalled say the same to tools that follow the conventions of kstatus.`,
        conditionOfWork,
        { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
      ),
    ),
    startTimestamp: optional(time(`When the ${work} began.`)),
    completionTimestamp: optional(time(`When the ${work} ended.`)),
    warnings: optional(integer(`How many warnings there were; ${told}.`)),
    errors: optional(integer(`How many errors there were; ${told}.`)),
    failureReason: optional(text('Why it failed, for people.')),
    createdBy: optional(createdBy),
    run: optional(
      object('Which process works on it.', {
        id: text('Tells one attempt from another; data is kept under it.'),
        replica: text('Name of the replica of Kylon.'),
        renewed: optional(time('When that replica last said that it is at work.')),
      }),
    ),
  };
}

/** A new object of any of these kinds: its finalizer, its first status, and who made it. */
export function begin(object: KubeObject, user: User): KubeObject {
  const { finalizers = [] } = object.metadata;
  return {
    ...object,
    metadata: { ...object.metadata, finalizers: finalizers.includes(dataFinalizer) ? finalizers : [...finalizers, dataFinalizer] },
    status: { phase: 'New', observedGeneration: 0, createdBy: creator(user) },
  };
}

/** Puts back these fields of the status, whatever was sent for them. */
export function keepFields(object: KubeObject, old: KubeObject, fields: readonly string[]): KubeObject {
  const [sent, before] = [object, old].map(({ status }) => (status ?? {}) as Record<string, unknown>);
  if (!sent || !before || fields.every((field) => isDeepStrictEqual(sent[field], before[field]))) return object;
  const others = Object.entries(sent).filter(([field]) => !fields.includes(field));
  const kept = fields.filter((field) => before[field] !== undefined).map((field) => [field, before[field]]);
  return { ...object, status: Object.fromEntries([...others, ...kept]) };
}

const ends: ReadonlySet<string> = new Set(['Completed', 'PartiallyFailed', 'Failed', 'Deleting']);

/**
 * What has ended stays as it ended, and keeps its data: to begin again would be to act once more with the rights of its creator,
 * maybe on something else.
 */
export function endedFaults({ status: after }: KubeObject, { status: before }: KubeObject): readonly FieldError[] {
  const [now, then] = [after, before].map((status) => (status ?? {}) as Record<string, unknown>);
  if (!then || !now || !ends.has(String(then['phase']))) return [];
  const changed = ['phase', 'run', 'archive'].filter((field) => !isDeepStrictEqual(now[field], then[field]));
  return changed
    .filter((field) => field !== 'phase' || now['phase'] !== 'Deleting')
    .map((field) => ({
      field: `status.${field}`,
      type: 'Forbidden',
      detail: `it has ended (${String(then['phase'])}) and does not change any more`,
    }));
}

function creator({ name, uid, groups, extra }: User): CreatedBy {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(Object.keys(extra).length > 0 && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}
