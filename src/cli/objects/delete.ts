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
  const deleted: Deleted[] = [];
  const areDeleted = await forEach(shell, names, async (name) => {
    deleted.push(await removeOne(shell, api, kind, name, flags));
    shell.say(`${kind.singular}.${kind.group} "${name}" deleted${dryRunText(flags.dryRun)}`);
  });
  const areGone = !flags.wait || flags.dryRun !== 'none' || (await forEach(shell, deleted, (one) => untilGone(shell, api, kind, one)));
  if (!areDeleted || !areGone) throw new Ending(exits.refused);
}

/** One after the other. What is refused is told, and the next one follows; resolves to whether nothing was. */
async function forEach<T>(shell: Shell, items: readonly T[], work: (item: T) => Promise<void>): Promise<boolean> {
  let isDone = true;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      isDone = false;
      shell.tell(error.message);
    }
  }
  return isDone;
}

async function confirm(shell: Shell, kind: Kind, names: readonly string[]): Promise<void> {
  if (!shell.isInteractive) throw new UsageError('nothing was deleted: give --confirm');
  const what = `${names.length === 1 ? kind.singular : kind.plural} ${names.map((name) => `"${name}"`).join(', ')}`;
  if (!/^y(es)?$/i.test((await shell.ask(`Delete ${what} with the data? (y/N) `)).trim()))
    throw new Ending(exits.no, 'nothing was deleted');
}

interface Deleted {
  readonly name: string;
  /** Of the one that was meant, where it is waited for. */
  readonly uid: string | undefined;
}

async function removeOne({ signal }: Shell, api: Api, kind: Kind, name: string, { wait, dryRun }: DeleteFlags): Promise<Deleted> {
  const path = pathOf(kind, api.namespace, name);
  const found = wait || dryRun === 'client' ? await api.json<KubeObject>({ path }, signal) : undefined;
  const uid = wait ? found?.metadata.uid : undefined;
  if (dryRun !== 'client') await api.json({ method: 'DELETE', path, query: dryRunQuery(dryRun), body: optionsOf(uid) }, signal);
  return { name, uid };
}

async function untilGone({ clock, signal }: Shell, api: Api, kind: Kind, { name, uid }: Deleted): Promise<void> {
  const isDone = ({ metadata }: KubeObject) => metadata.uid !== uid;
  await waitFor({ api, clock }, { kind, namespace: api.namespace, name }, { isDone, see: () => {} }, signal);
}

const optionsOf = (uid: string | undefined) => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...(uid && { preconditions: { uid } }) });
