/** `kylon store`: the object store that holds the catalog. */
import { Command } from 'commander';
import { acceptCommand } from './store-accept.ts';
import { checkCommand } from './store-check.ts';
import { orphansCommand } from './store-orphans.ts';
import type { Terminal } from './terminal.ts';

export function storeCommand(terminal: Terminal): Command {
  return new Command('store')
    .description('The object store that holds the catalog.')
    .addCommand(checkCommand(terminal))
    .addCommand(orphansCommand(terminal))
    .addCommand(acceptCommand(terminal));
}
