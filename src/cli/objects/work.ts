/** The end of a Backup's or Restore's work for who waits for it: a bar or lines on the way, the phase, the exit code. */
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { Ending, exits } from '../exits.ts';
import type { State } from '../output/progress.ts';
import type { Shell } from '../shell.ts';
import { fullName } from './kind.ts';
import type { Kind } from './kind.ts';
import { lookOn } from './looking-on.ts';

interface Status {
  readonly phase?: string;
  readonly failureReason?: string;
  readonly warnings?: number;
  readonly errors?: number;
  readonly progress?: { readonly totalItems?: number; readonly itemsBackedUp?: number; readonly itemsRestored?: number };
}

const underway: ReadonlySet<string> = new Set(['', 'New', 'InProgress']);

/** Resolves when all was done; rejects with an Ending otherwise. `say` is told the phase. */
export async function awaitWork(
  shell: Shell,
  api: Api,
  { kind, made: { metadata }, say }: { kind: Kind; made: KubeObject; say: (text: string) => void },
): Promise<void> {
  const { name, namespace = api.namespace } = metadata;
  const goesOn = `${fullName(kind, name)} goes on without you: ${hintAt(shell, kind, name, namespace, '-f ')}`;
  const isDone = (object: KubeObject) => !underway.has(statusOf(object).phase ?? '');
  const ended = await lookOn(shell, api, { kind, namespace, name }, { isDone, stateOf, goesOn });
  if (!ended) throw new Ending(exits.failed, `${fullName(kind, name)} was deleted before it ended`);
  const { phase = '', failureReason, errors = 0, warnings = 0 } = statusOf(ended);
  say(`${fullName(kind, name)} ${phase}${errors || warnings ? ` (errors: ${errors}, warnings: ${warnings})` : ''}`);
  if (phase === 'Completed') return;
  if (failureReason) shell.tell(failureReason);
  throw new Ending(phase === 'PartiallyFailed' ? exits.partiallyFailed : exits.failed, hintAt(shell, kind, name, namespace, ''));
}

function stateOf(object: KubeObject): State {
  const { phase = 'New', progress: { totalItems, itemsBackedUp, itemsRestored } = {} } = statusOf(object);
  return { label: phase, done: itemsBackedUp ?? itemsRestored ?? 0, total: totalItems ?? 0, unit: 'items' };
}

const hintAt = ({ program }: Shell, kind: Kind, name: string, namespace: string, flag: string) =>
  `see ${program} ${kind.singular} logs ${flag}-n ${namespace} ${name}`;

const statusOf = ({ status }: KubeObject) => (status ?? {}) as Status;
