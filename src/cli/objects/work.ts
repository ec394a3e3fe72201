/** The end of the work that an object stands for, for who waits for it: a bar or lines on the way, the phase, the exit code. */
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { Ending, exits } from '../exits.ts';
import type { State } from '../output/progress.ts';
import type { Shell } from '../shell.ts';
import { fullName } from './kind.ts';
import type { WorkKind } from './kind.ts';
import { lookOn } from './looking-on.ts';

interface Status {
  readonly phase?: string;
  readonly failureReason?: string;
  readonly warnings?: number;
  readonly errors?: number;
  readonly progress?: { readonly totalItems?: number; readonly itemsBackedUp?: number; readonly itemsRestored?: number };
}

const underway: ReadonlySet<string> = new Set(['', 'New', 'InProgress']);

/** Resolves when all was done, maybe with warnings; rejects with an Ending otherwise. `say` is told the phase. */
export async function awaitWork(
  shell: Shell,
  api: Api,
  { kind, made: { metadata }, say }: { kind: WorkKind; made: KubeObject; say: (text: string) => void },
): Promise<void> {
  const { name, namespace = api.namespace } = metadata;
  const hintAt = (command: string) => `see ${shell.program} ${kind.singular} ${command} -n ${namespace} ${name}`;
  const goesOn = `${fullName(kind, name)} goes on without you: ${hintAt(kind.tells.onTheWay)}`;
  const isDone = (object: KubeObject) => !underway.has(statusOf(object).phase ?? '');
  const ended = await lookOn(shell, api, { kind, namespace, name }, { isDone, stateOf, goesOn });
  if (!ended) throw new Ending(exits.failed, `${fullName(kind, name)} was deleted before it ended`);
  const { phase = '', failureReason, errors = 0, warnings = 0 } = statusOf(ended);
  say(`${fullName(kind, name)} ${phase}${errors || warnings ? ` (errors: ${errors}, warnings: ${warnings})` : ''}`);
  if (phase !== 'Completed') throw endingOf(phase, [failureReason, hintAt(kind.tells.atTheEnd)]);
  if (warnings > 0) shell.tell(`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}: ${hintAt('describe')}`);
}

function endingOf(phase: string, lines: readonly (string | undefined)[]): Ending {
  return new Ending(phase === 'PartiallyFailed' ? exits.partiallyFailed : exits.failed, lines.filter(Boolean).join('\n'));
}

function stateOf(object: KubeObject): State {
  const { phase = 'New', progress: { totalItems, itemsBackedUp, itemsRestored } = {} } = statusOf(object);
  return { label: phase, done: itemsBackedUp ?? itemsRestored ?? 0, total: totalItems ?? 0, unit: 'items' };
}

const statusOf = ({ status }: KubeObject) => (status ?? {}) as Status;
