/** Waits for an object while a person, or a log, sees how far it is. */
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { progressOf } from '../output/progress.ts';
import type { State } from '../output/progress.ts';
import type { Shell } from '../shell.ts';
import { waitFor } from './waiting.ts';
import type { Awaited } from './waiting.ts';

interface Wish {
  readonly isDone: (object: KubeObject) => boolean;
  readonly stateOf: (object: KubeObject) => State;
  /** Said at Ctrl-C, which ends the waiting and nothing else. */
  readonly goesOn: string;
}

/** As waitFor. */
export async function lookOn(shell: Shell, api: Api, what: Awaited, { isDone, stateOf, goesOn }: Wish): Promise<KubeObject | undefined> {
  const progress = progressOf(shell);
  const see = (object: KubeObject) => progress.show(stateOf(object));
  try {
    return await waitFor({ api, clock: shell.clock }, what, { isDone, see }, shell.signal);
  } finally {
    progress.clear();
    if (shell.signal.aborted) shell.tell(goesOn);
  }
}
