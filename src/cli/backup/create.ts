/** `backup create`: flags as velero spells them. */
import { Argument, Command, Option } from 'commander';
import { connected, withConnection } from '../api/connection.ts';
import { UsageError } from '../exits.ts';
import { boolean, durationText } from '../flag-values.ts';
import { backups } from '../objects/kinds.ts';
import { completed, create, given, selectionOf, storeNameOption, withCreateFlags, withSelectionFlags } from '../objects/creating.ts';
import type { CreateFlags, SelectionFlags } from '../objects/creating.ts';
import { readManifest } from '../objects/manifest.ts';
import type { Shell } from '../shell.ts';

interface Flags extends CreateFlags, SelectionFlags {
  readonly snapshotVolumes?: boolean;
  readonly storeName?: string;
  readonly ttl?: string;
  readonly timeout?: string;
}

export function createBackupCommand(shell: Shell): Command {
  const command = withCreateFlags(withSelectionFlags(new Command('create')))
    .description('Make a backup. Without flags it takes everything in the namespace.')
    .addArgument(new Argument('[name]', 'name of the new backup'))
    .addOption(
      new Option('--snapshot-volumes [boolean]', 'take the volumes of the claims too, by CSI snapshots (default: false)')
        .preset('true')
        .argParser(boolean('snapshot-volumes')),
    )
    .addOption(storeNameOption('BackupStore in which it lies'))
    .option('--ttl <duration>', 'how long it is kept, as 48h or 1h30m (default: 720h)', durationText('ttl'))
    .option('--timeout <duration>', 'how long it may take, as 30m; after that it fails', durationText('timeout'));
  return withConnection(command).action((name: string | undefined, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const manifest = await readManifest(shell, backups, flags.filename);
      const { snapshotVolumes, storeName, ttl, timeout } = flags;
      const spec = { ...selectionOf(flags), ...given({ snapshotVolumes, storeName, ttl, timeout }) };
      const whole = completed(manifest, { name, spec, flags, nameless: {} });
      if (!whole.metadata.name && !whole.metadata.generateName) throw new UsageError('the backup needs a name');
      await create(shell, api, backups, whole, flags);
    }),
  );
}
