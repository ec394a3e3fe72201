/** `backup delete`, `restore delete`: asks first, as velero does, and says what was deleted as kubectl does. */
import { Argument, Command } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { Refusal } from '../api/refusal.ts';
import { completing } from '../completion/sources.ts';
import type { Source } from '../completion/sources.ts';
import { Ending, exits, UsageError } from '../exits.ts';
import type { Shell } from '../shell.ts';
import { dryRunOption, dryRunQuery, dryRunText } from './dry-run.ts';
import type { DryRun } from './dry-run.ts';
import { pathOf } from './kind.ts';
import type { Kind } from './kind.ts';
import { readObjects } from './reading.ts';
import { waitFor } from './waiting.ts';

interface DeleteFlags extends ConnectionFlags {
  readonly confirm?: boolean;
  readonly wait?: boolean;
  readonly all?: boolean;
  readonly selector?: string;
  readonly dryRun: DryRun;
}

export function deleteCommand(shell: Shell, kind: Kind): Command {
  const command = new Command('delete')
    .description(`Delete ${kind.plural}, with the data that they hold.`)
    .addArgument(completing(kind.plural as Source, new Argument('[names...]', `names of ${kind.plural}`)))
    .option('-y, --confirm', 'do not ask')
    .option('-w, --wait', 'wait until they and their data are gone')
    .option('--all', `all ${kind.plural} of the namespace`)
    .option('-l, --selector <selector>', 'those whose labels match')
    .addOption(dryRunOption());
  return withConnection(command).action((names: string[], flags: DeleteFlags) => {
    const ways = [names.length > 0, flags.all, flags.selector !== undefined].filter(Boolean).length;
    if (ways !== 1) throw new UsageError(`what is to be deleted? Give names, or --selector, or --all`);
    return connected(shell, flags, async (api) => remove(shell, api, kind, await namesOf(shell, api, kind, names, flags), flags));
  });
}

async function namesOf({ signal }: Shell, api: Api, kind: Kind, names: readonly string[], { selector }: DeleteFlags) {
  if (names.length > 0) return names;
  const choice = { kind, namespace: api.namespace, names, labelSelector: selector, fieldSelector: undefined };
  return (await readObjects(api, choice, signal)).found.map(({ metadata }) => metadata.name);
}

async function remove(shell: Shell, api: Api, kind: Kind, names: readonly string[], flags: DeleteFlags): Promise<void> {
  if (names.length === 0) return shell.tell('No resources found');
  if (flags.dryRun === 'none' && !flags.confirm) await confirm(shell, kind, names);
  const refusals: Refusal[] = [];
  for (const name of names) {
    try {
      if (flags.dryRun === 'client') await api.json({ path: pathOf(kind, api.namespace, name) }, shell.signal);
      else await removeOne(shell, api, kind, name, flags);
      shell.say(`${kind.singular}.${kind.group} "${name}" deleted${dryRunText(flags.dryRun)}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error);
      shell.tell(error.message);
    }
  }
  if (refusals.length > 0) throw new Ending(exits.refused);
}

async function confirm(shell: Shell, kind: Kind, names: readonly string[]): Promise<void> {
  if (!shell.isInteractive) throw new UsageError('nothing was deleted: give --confirm');
  const what = `${names.length === 1 ? kind.singular : kind.plural} ${names.map((name) => `"${name}"`).join(', ')}`;
  if (!/^y(es)?$/i.test((await shell.ask(`Delete ${what} with the data? (y/N) `)).trim()))
    throw new Ending(exits.no, 'nothing was deleted');
}

async function removeOne(shell: Shell, api: Api, kind: Kind, name: string, { wait, dryRun }: DeleteFlags): Promise<void> {
  const { clock, signal } = shell;
  const where = { kind, namespace: api.namespace, name };
  const uid = wait ? (await api.json<KubeObject>({ path: pathOf(kind, api.namespace, name) }, signal)).metadata.uid : undefined;
  const path = pathOf(kind, api.namespace, name);
  await api.json({ method: 'DELETE', path, query: dryRunQuery(dryRun), body: optionsOf(uid) }, signal);
  if (!wait || dryRun !== 'none') return;
  const isDone = ({ metadata }: KubeObject) => metadata.uid !== uid;
  await waitFor({ api, clock }, where, { isDone, see: () => {} }, signal);
}

const optionsOf = (uid: string | undefined) => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...(uid && { preconditions: { uid } }) });
