import { describe, expect, it } from 'vitest';
import type { Condition } from '../../src/machinery/object.ts';
import { conditionsIn } from '../../src/resources/conditions.ts';
import { phases } from '../../src/resources/status.ts';
import type { Phase } from '../../src/resources/status.ts';

const facts = (phase: Phase, now = '2026-01-01T00:00:00Z') => ({ phase, observedGeneration: 2, now });
const holding = (conditions: readonly Condition[]) =>
  conditions.filter(({ status }) => status === 'True').map(({ type, reason }) => `${type}:${reason}`);

/** What kstatus makes of these two conditions. */
function kstatus(conditions: readonly Condition[]): string {
  const holds = (type: string) => conditions.some((condition) => condition.type === type && condition.status === 'True');
  return holds('Reconciling') ? 'InProgress' : holds('Stalled') ? 'Failed' : 'Current';
}

describe('conditions', () => {
  it.each<[Phase, string[], string]>([
    ['New', ['Reconciling:New'], 'InProgress'],
    ['InProgress', ['Reconciling:InProgress'], 'InProgress'],
    ['Completed', ['Complete:Completed'], 'Current'],
    ['PartiallyFailed', ['Complete:PartiallyFailed'], 'Current'],
    ['Failed', ['Failed:Failed', 'Stalled:Failed'], 'Failed'],
    ['Deleting', ['Reconciling:Deleting'], 'InProgress'],
  ])('in phase %s are %j', (phase, expected, state) => {
    const conditions = conditionsIn(facts(phase));
    expect(holding(conditions)).toEqual(expected);
    expect(kstatus(conditions)).toBe(state);
  });

  it('are each there once, whatever came before', () => {
    for (const before of phases)
      for (const phase of phases) {
        const types = conditionsIn(facts(phase), conditionsIn(facts(before))).map(({ type }) => type);
        expect(new Set(types).size).toBe(types.length);
      }
  });

  it('change their time only with their status', () => {
    const running = conditionsIn(facts('InProgress', '2026-01-01T00:00:00Z'), conditionsIn(facts('New', '2025-01-01T00:00:00Z')));
    expect(new Set(running.map(({ lastTransitionTime }) => lastTransitionTime))).toEqual(new Set(['2025-01-01T00:00:00Z']));
    const done = conditionsIn({ ...facts('Completed', '2026-02-02T00:00:00Z'), message: '7 items.' }, running);
    expect(done.find(({ type }) => type === 'Complete')).toEqual({
      type: 'Complete',
      status: 'True',
      observedGeneration: 2,
      lastTransitionTime: '2026-02-02T00:00:00Z',
      reason: 'Completed',
      message: '7 items.',
    });
    expect(done.find(({ type }) => type === 'Failed')?.lastTransitionTime).toBe('2025-01-01T00:00:00Z');
  });

  it('of a Backup that is being deleted still say how it ended', () => {
    expect(holding(conditionsIn(facts('Deleting'), conditionsIn(facts('Completed'))))).toEqual([
      'Complete:Completed',
      'Reconciling:Deleting',
    ]);
  });
});
