/**
 * The conditions of a Backup, a Restore or a Snapshot in each phase. Complete and Failed are for people and `kubectl wait`; Reconciling
 * and Stalled are what kstatus, and with it Helm, Flux and Argo CD, reads as in progress and failed:
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
import type { Condition } from '../machinery/object.ts';
import type { Phase } from './status.ts';

interface Facts {
  readonly phase: Phase;
  /** For people; a sentence of its own where it is left out. */
  readonly message?: string;
  readonly warnings?: number;
  readonly observedGeneration: number;
  /** RFC 3339, whole seconds. */
  readonly now: string;
}

type Type = 'Complete' | 'Failed' | 'Reconciling' | 'Stalled';

/** Which conditions hold; what is not named in a phase stays as it was. */
const holding: Readonly<Record<Phase, Readonly<Partial<Record<Type, boolean>>>>> = {
  New: { Complete: false, Failed: false, Reconciling: true, Stalled: false },
  InProgress: { Complete: false, Failed: false, Reconciling: true, Stalled: false },
  Completed: { Complete: true, Failed: false, Reconciling: false, Stalled: false },
  PartiallyFailed: { Complete: true, Failed: false, Reconciling: false, Stalled: false },
  Failed: { Complete: false, Failed: true, Reconciling: false, Stalled: true },
  Deleting: { Reconciling: true },
};

const messages: Readonly<Record<Phase, string>> = {
  New: 'Waits to be worked on.',
  InProgress: 'Is being worked on.',
  Completed: 'Everything was done.',
  PartiallyFailed: 'Done, but for some items: see the log.',
  Failed: 'Failed: see the log.',
  Deleting: 'Its data is being removed.',
};

/** The conditions that follow from these facts, given those of before; a time changes only where a status does. */
export function conditionsIn(facts: Facts, before: readonly Condition[] = []): Condition[] {
  const wanted = Object.entries(holding[facts.phase]).map(([type, holds]) => conditionOf(type, holds, facts, before));
  const others = before.filter(({ type }) => !wanted.some((condition) => condition.type === type));
  return [...others, ...wanted];
}

/** The same conditions, about another generation. What others have written stays as it is. */
export function aboutGeneration(conditions: readonly Condition[] = [], observedGeneration: number): Condition[] {
  return conditions.map((condition) => (condition.type in holding.New ? { ...condition, observedGeneration } : condition));
}

/** The conditions with another one, which no phase decides. It is about the data and not about a generation of the spec. */
export function withCondition(
  before: readonly Condition[] = [],
  { type, status, reason, message }: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
  now: string,
): Condition[] {
  const last = before.find((condition) => condition.type === type);
  const lastTransitionTime = last?.status === status ? last.lastTransitionTime : now;
  return [...before.filter((condition) => condition !== last), { type, status, lastTransitionTime, reason, message }];
}

function conditionOf(
  type: string,
  holds: boolean,
  { phase, message, warnings = 0, observedGeneration, now }: Facts,
  before: readonly Condition[],
): Condition {
  const status = holds ? 'True' : 'False';
  const last = before.find((condition) => condition.type === type);
  return {
    type,
    status,
    observedGeneration,
    lastTransitionTime: last?.status === status ? last.lastTransitionTime : now,
    reason: phase,
    message: message ?? messageOf(phase, warnings),
  };
}

function messageOf(phase: Phase, warnings: number): string {
  if (phase !== 'Completed' || warnings === 0) return messages[phase];
  return `Everything was done, with ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`;
}
