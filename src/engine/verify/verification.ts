/** The verification in the status of a Backup, and the condition that follows from it. */
import { rfc3339 } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Backup } from '../../resources/backup.ts';
import { withCondition } from '../../resources/conditions.ts';
import type { Verification } from '../../resources/verified.ts';
import { isDeleted, statusOf } from '../runs/run-status.ts';

export const verificationOf = (object: KubeObject): Verification | undefined => (object as Backup).status?.verification;

/** Asked for, and not ended. */
export const isVerifying = (object: KubeObject) => !isDeleted(object) && verificationOf(object)?.phase === 'InProgress';

type Verdict = Parameters<typeof withCondition>[1];

/** The Backup with this verification, and where one is given, with what it says of the data. */
export function withVerification(object: KubeObject, verification: Verification, verdict?: Omit<Verdict, 'type'>, now = 0): KubeObject {
  const status = { ...statusOf(object), verification };
  if (!verdict) return { ...object, status };
  const conditions = withCondition(status.conditions, { type: 'Verified', ...verdict }, rfc3339(now));
  return { ...object, status: { ...status, conditions } };
}
