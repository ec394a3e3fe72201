/** What a Backup and a Restore have in common for who carries them out. */
import { rfc3339 } from '../../base/clock.ts';
import type { Condition, KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import type { User } from '../../machinery/user.ts';
import { aboutGeneration, conditionsIn } from '../../resources/conditions.ts';
import type { CreatedBy, Phase } from '../../resources/status.ts';

export interface RunStatus {
  readonly phase?: Phase;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly startTimestamp?: string;
  readonly completionTimestamp?: string;
  readonly failureReason?: string;
  readonly warnings?: number;
  readonly errors?: number;
  readonly createdBy?: CreatedBy;
  /** The run that is carried out, or whose files count. */
  readonly run?: { readonly id: string; readonly replica: string; readonly renewed?: string };
  readonly [field: string]: unknown;
}

export const statusOf = (object: KubeObject): RunStatus => (object.status ?? {}) as RunStatus;

export const refOf = ({ metadata }: KubeObject): ObjectRef => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  uid: metadata.uid ?? '',
});

export const isDeleted = ({ metadata }: KubeObject) => metadata.deletionTimestamp !== undefined;

/** Whether any run of it may have put something into a store. */
export const hasBegun = (object: KubeObject) => statusOf(object).startTimestamp !== undefined;

/** Not begun, or begun by a runner that may have died. */
export function isUnfinished(object: KubeObject): boolean {
  const { phase = 'New' } = statusOf(object);
  return !isDeleted(object) && (phase === 'New' || phase === 'InProgress');
}

/** The object with these fields of its status changed, and with the conditions that follow from its phase. */
export function withStatus(object: KubeObject, change: Partial<RunStatus>, now: number, message?: string): KubeObject {
  const status = { ...statusOf(object), ...change };
  const observedGeneration = object.metadata.generation ?? 0;
  const { phase = 'New', warnings = 0 } = status;
  const facts = { phase, warnings, observedGeneration, now: rfc3339(now), ...(message !== undefined && { message }) };
  return { ...object, status: { ...status, observedGeneration, conditions: conditionsIn(facts, status.conditions) } };
}

/** The object with a status that is about its generation of now, for which tools wait; the same one where it is already. */
export function observed(object: KubeObject): KubeObject {
  const status = statusOf(object);
  const observedGeneration = object.metadata.generation ?? 0;
  if (status.observedGeneration === observedGeneration) return object;
  const conditions = aboutGeneration(status.conditions, observedGeneration);
  return { ...object, status: { ...status, observedGeneration, conditions } };
}

/** Who made the object, as the server recorded it; nobody at all where it did not. */
export function creatorOf(object: KubeObject): User {
  const { createdBy } = statusOf(object);
  const { username = 'system:anonymous', uid, groups = [], extra = {} } = createdBy ?? {};
  return { name: username, ...(uid !== undefined && { uid }), groups, extra };
}
