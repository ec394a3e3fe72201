/** `backup diff`: what has changed since; ends as kubectl diff does. */
import { Argument, Command, Option } from 'commander';
import { escaped } from '../output/escaped.ts';
import { compactJson } from '../output/structured.ts';
import { connected, withConnection } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { itemText } from '../content/item-names.ts';
import { pagesOf } from '../content/pages.ts';
import type { Page } from '../content/pages.ts';
import { printPages } from '../content/printing.ts';
import { Ending, exits } from '../exits.ts';
import { backups } from '../objects/kinds.ts';
import { pathOf } from '../objects/kind.ts';
import type { Format } from '../output/format.ts';
import type { Shell } from '../shell.ts';
import { contentQuery, withContentFlags } from './items.ts';
import type { ContentFlags } from './items.ts';

interface Flags extends ContentFlags {
  readonly against?: string;
}

interface Difference {
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
  readonly change: string;
  /** From what was saved to what is there, RFC 6902. */
  readonly patch?: readonly Operation[];
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

const view = {
  columns: [
    { name: 'Change', value: ({ change }: Difference) => change },
    { name: 'Resource', value: ({ resource, group }: Difference) => (group ? `${resource}.${group}` : resource) },
    { name: 'Namespace', value: ({ namespace }: Difference) => namespace },
    { name: 'Name', value: ({ name }: Difference) => name },
  ],
  name: itemText,
};

export function diffCommand(shell: Shell): Command {
  const command = withContentFlags(new Command('diff'))
    .description('Show what has changed since a backup. Ends with 1 where there are differences, as kubectl diff.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')))
    .addOption(completing('backups', new Option('--against <backup>', 'compare with this backup (default: with the cluster as it is)')));
  return withConnection(command).action((backup: string, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const query = { ...contentQuery(flags), against: flags.against };
      const pages = pagesOf<Difference>(api, pathOf(backups, api.namespace, backup, 'diff'), query, shell.signal);
      const { count, warnings } = await print(shell, pages, flags.output);
      for (const warning of warnings) shell.tell(`Warning: ${warning}`);
      if (count > 0) throw new Ending(exits.no);
      if (warnings.length > 0) throw new Ending(exits.partiallyFailed, 'no differences in what could be compared');
    }),
  );
}

function print(shell: Shell, pages: AsyncIterable<Page<Difference>>, format: Format | undefined) {
  return format === undefined ? printChanges(shell, pages) : printPages(shell, pages, view, format);
}

async function printChanges(shell: Shell, pages: AsyncIterable<Page<Difference>>) {
  const told: string[] = [];
  let count = 0;
  for await (const { items, warnings = [] } of pages) {
    for (const difference of items ?? []) await shell.write(changeText(difference));
    count += items?.length ?? 0;
    told.push(...warnings);
  }
  return { count, warnings: told };
}

/** Values longer than that are cut: -o yaml has all of them. In characters. */
const longestValue = 200;

function changeText({ change, patch = [], ...item }: Difference): string {
  const lines = [`${change} ${itemText(item)}`, ...patch.map((operation) => `  ${operationText(operation)}`)];
  return lines.map((line) => `${escaped(line)}\n`).join('');
}

function operationText({ op, path, from, value }: Operation): string {
  const source = from === undefined ? '' : ` from ${from}`;
  const text = value === undefined ? '' : `: ${compactJson(value)}`;
  return `${op} ${path}${source}${text.length > longestValue ? `${text.slice(0, longestValue)}…` : text}`;
}
