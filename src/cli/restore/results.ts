/** `restore results`: what became of each object. */
import { Argument, Command, Option } from 'commander';
import type { ItemResult } from '../../resources/services.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { itemText } from '../content/item-names.ts';
import { pagesOf } from '../content/pages.ts';
import { printPages } from '../content/printing.ts';
import type { View } from '../content/printing.ts';
import { restores } from '../objects/kinds.ts';
import { pathOf } from '../objects/kind.ts';
import { outputOption } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly outcome?: string;
  readonly output?: Format;
}

const view: View<ItemResult> = {
  columns: [
    { name: 'Outcome', value: ({ outcome }) => outcome },
    { name: 'Resource', value: ({ resource, group }) => (group ? `${resource}.${group}` : resource) },
    { name: 'Namespace', value: ({ namespace }) => namespace },
    { name: 'Name', value: ({ name }) => name },
    { name: 'Message', value: ({ message }) => message },
  ],
  name: itemText,
};

const pageSize = '5000';

export function resultsCommand(shell: Shell): Command {
  const command = new Command('results')
    .description('List what became of each object of a restore.')
    .addArgument(completing('restores', new Argument('<restore>', 'name of the restore')))
    .addOption(new Option('--outcome <outcome>', 'only objects with this outcome: created, updated, recreated, unchanged, skipped, failed'))
    .addOption(outputOption());
  return withConnection(command).action((restore: string, { outcome, output, ...flags }: Flags) =>
    connected(shell, flags, async (api) => {
      const path = pathOf(restores, api.namespace, restore, 'results');
      const { count } = await printPages(
        shell,
        pagesOf<ItemResult>(api, path, { outcome, limit: pageSize }, shell.signal),
        view,
        output ?? 'table',
      );
      if (count === 0) shell.tell('No results found');
    }),
  );
}
