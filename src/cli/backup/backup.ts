/** `kylon backup`: each command is a file beside this one, or in `objects` where restores have it too. */
import { Command } from 'commander';
import { backups } from '../objects/kinds.ts';
import { deleteCommand } from '../objects/delete.ts';
import { describeCommand } from '../objects/describe.ts';
import { getCommand } from '../objects/get.ts';
import { logsCommand } from '../objects/logs.ts';
import type { Shell } from '../shell.ts';
import { createBackupCommand } from './create.ts';
import { diffCommand } from './diff.ts';
import { downloadCommand } from './download.ts';
import { holdCommand, releaseCommand } from './hold.ts';
import { itemCommand } from './item.ts';
import { itemsCommand } from './items.ts';
import { verifyCommand } from './verify.ts';

export function backupCommand(shell: Shell): Command {
  return new Command('backup')
    .description('Make backups, look into them, keep and delete them.')
    .addCommand(createBackupCommand(shell))
    .addCommand(getCommand(shell, backups))
    .addCommand(describeCommand(shell, backups))
    .addCommand(logsCommand(shell, backups))
    .addCommand(itemsCommand(shell))
    .addCommand(itemCommand(shell))
    .addCommand(diffCommand(shell))
    .addCommand(downloadCommand(shell))
    .addCommand(verifyCommand(shell))
    .addCommand(holdCommand(shell))
    .addCommand(releaseCommand(shell))
    .addCommand(deleteCommand(shell, backups));
}
