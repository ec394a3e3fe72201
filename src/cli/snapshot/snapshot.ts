/** `kylon snapshot`: each command is a file beside this one, or in `objects` where backups have it too. */
import { Command } from 'commander';
import { deleteCommand } from '../objects/delete.ts';
import { describeCommand } from '../objects/describe.ts';
import { getCommand } from '../objects/get.ts';
import { snapshots } from '../objects/kinds.ts';
import type { Shell } from '../shell.ts';
import { createSnapshotCommand } from './create.ts';
import { downloadFilesCommand } from './download.ts';
import { filesCommand } from './files.ts';

export function snapshotCommand(shell: Shell): Command {
  return new Command('snapshot')
    .description('Take snapshots of volumes, look into them, and delete them; `restore create --from-snapshot` makes a claim of one.')
    .addCommand(createSnapshotCommand(shell))
    .addCommand(getCommand(shell, snapshots))
    .addCommand(describeCommand(shell, snapshots))
    .addCommand(filesCommand(shell))
    .addCommand(downloadFilesCommand(shell))
    .addCommand(deleteCommand(shell, snapshots));
}
