/** Checks a finished history against every invariant; docs/simulation.md lists them. */
import { checkCheckpoints } from './check-checkpoints.ts';
import { checkIndexes, checkSent } from './check-log.ts';
import { checkOperations } from './check-operations.ts';
import { checkInformers, checkWatches } from './check-watches.ts';
import type { Finished, Violation } from './checked.ts';
import { TrueLog } from './read-log.ts';
import { domain } from './replica.ts';

export function check(finished: Finished): readonly Violation[] {
  const violations: Violation[] = [];
  const log = new TrueLog(finished.bucket, `d/${domain}/log/`);
  const checked = { ...finished, log, fail: (invariant: string, message: string) => violations.push({ invariant, message }) };
  violations.push(...log.faults);
  checkSent(checked);
  checkIndexes(checked);
  checkCheckpoints(checked);
  checkOperations(checked);
  checkWatches(checked);
  checkInformers(checked);
  return violations;
}
