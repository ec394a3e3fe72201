/** `kylon restore`: each command is a file beside this one, or in `objects` where backups have it too. */
import { Command } from 'commander';
import { restores } from '../objects/kinds.ts';
import { deleteCommand } from '../objects/delete.ts';
import { describeCommand } from '../objects/describe.ts';
import { getCommand } from '../objects/get.ts';
import { logsCommand } from '../objects/logs.ts';
import type { Shell } from '../shell.ts';
import { createRestoreCommand } from './create.ts';
import { resultsCommand } from './results.ts';

export function restoreCommand(shell: Shell): Command {
  return new Command('restore')
    .description('Bring back what backups hold, and see what became of it.')
    .addCommand(createRestoreCommand(shell))
    .addCommand(getCommand(shell, restores))
    .addCommand(describeCommand(shell, restores))
    .addCommand(logsCommand(shell, restores))
    .addCommand(resultsCommand(shell))
    .addCommand(deleteCommand(shell, restores));
}
