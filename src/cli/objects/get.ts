/** `backup get`, `restore get`: as kubectl get prints them. */
import { Argument, Command } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import type { Source } from '../completion/sources.ts';
import { Ending, exits, UsageError } from '../exits.ts';
import { isStructured, outputOption, structuredText } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import { TableText } from '../output/table.ts';
import type { Shell } from '../shell.ts';
import { fullName, listOf, withoutManagers } from './kind.ts';
import type { Kind } from './kind.ts';
import { readObjects, readTables } from './reading.ts';
import type { Choice } from './reading.ts';
import { cellsOf, headOf } from './tables.ts';
import type { Shown } from './tables.ts';
import { watchChanges } from './watching.ts';

interface GetFlags extends ConnectionFlags {
  readonly output?: Format;
  readonly watch?: boolean;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  /** False by --no-headers. */
  readonly headers: boolean;
  readonly showLabels?: boolean;
}

export function getCommand(shell: Shell, kind: Kind): Command {
  const command = new Command('get')
    .description(`Show ${kind.plural}: those named, or all of the namespace.`)
    .addArgument(completing(kind.plural as Source, new Argument('[names...]', `names of ${kind.plural}`)))
    .addOption(outputOption())
    .option('-w, --watch', 'go on with changes as they happen')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <selector>', 'only those whose labels match, as app=web,tier!=cache')
    .option('--field-selector <selector>', 'only those whose fields match, as status.phase=Failed')
    .option('--no-headers', 'leave out the line of headings')
    .option('--show-labels', 'add a column of labels');
  return withConnection(command).action((names: string[], flags: GetFlags) =>
    connected(shell, flags, (api) => get(shell, api, choiceOf(api, kind, names, flags), flags)),
  );
}

function choiceOf(api: Api, kind: Kind, names: readonly string[], flags: GetFlags): Choice {
  const { allNamespaces = false, watch = false, selector: labelSelector, fieldSelector } = flags;
  if (names.length > 0 && allNamespaces) throw new UsageError('a resource cannot be retrieved by name across all namespaces');
  if (names.length > 0 && (labelSelector ?? fieldSelector)) throw new UsageError('selectors cannot be used when names are given');
  if (names.length > 1 && watch) throw new UsageError('--watch takes one name at most');
  return { kind, names, namespace: allNamespaces ? undefined : api.namespace, labelSelector, fieldSelector };
}

async function get(shell: Shell, api: Api, choice: Choice, flags: GetFlags): Promise<void> {
  const { output: format = 'table' } = flags;
  const { show, resourceVersion, refusals } = format === 'table' || format === 'wide' ? await asTable() : await asObjects(format);
  for (const { message } of refusals) shell.tell(message);
  if (refusals.length > 0) throw new Ending(exits.refused);
  if (flags.watch) await watchChanges(shell, api, choice, { resourceVersion, show });

  async function asTable() {
    const { found, ...read } = await readTables(api, choice, shell.signal);
    const columns = found.find(({ columnDefinitions }) => columnDefinitions)?.columnDefinitions ?? [];
    const shown: Shown = { wide: format === 'wide', namespaces: flags.allNamespaces ?? false, labels: flags.showLabels ?? false };
    const text = new TableText();
    const rows = found.flatMap(({ rows }) => rows).map((row) => cellsOf(row, columns, shown));
    const head = flags.headers && (rows.length > 0 || flags.watch) ? [headOf(columns, shown)] : [];
    if (rows.length > 0 || flags.watch) await shell.write(text.lines([...head, ...rows]));
    else if (choice.names.length === 0) shell.tell(emptyText(choice));
    const show = (row: Parameters<typeof cellsOf>[0]) => shell.write(text.lines([cellsOf(row, columns, shown)]));
    return { ...read, show: { table: show } };
  }

  async function asObjects(format: Exclude<Format, 'table' | 'wide'>) {
    const { found, ...read } = await readObjects(api, choice, shell.signal);
    const isOne = choice.names.length === 1;
    if (found.length > 0 || !isOne) await shell.write(textOf(choice, format, found, isOne));
    return { ...read, show: { object: (object: KubeObject) => shell.write(textOf(choice, format, [object], true)) } };
  }
}

function textOf({ kind }: Choice, format: Exclude<Format, 'table' | 'wide'>, found: readonly KubeObject[], isOne: boolean): string {
  if (!isStructured(format)) return found.map(({ metadata }) => `${fullName(kind, metadata.name)}\n`).join('');
  const items = found.map(withoutManagers);
  return structuredText(format, isOne ? items[0] : listOf(items));
}

const emptyText = ({ namespace }: Choice) => (namespace ? `No resources found in ${namespace} namespace.` : 'No resources found');
