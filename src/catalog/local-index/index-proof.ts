/** Reads a whole index in the background, and ends the state where it is not what its log says. */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { State } from '../state/state.ts';

export interface ProofParts {
  readonly state: State;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds after each piece of work in the background, so that it never takes the process for long. */
export const provePause = 1;

/** Never rejects. The index of a state that it ends is not used again. */
export async function proveIndex({ state, clock, log }: ProofParts, life: AbortSignal): Promise<void> {
  try {
    const fault = await state.faultOfIndex(() => clock.sleep(provePause, life));
    if (fault !== undefined) await state.condemn(new Error(`the index is damaged and is made anew: ${fault}`));
  } catch (error) {
    if (life.aborted || state.hasEnded) return;
    log.error('the index cannot be read', { cause: messageOf(error) });
    await state.condemn(new Error(`the index cannot be read and is made anew: ${messageOf(error)}`, { cause: error }));
  }
}
