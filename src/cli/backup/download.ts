/** `backup download`: the archive, whole and proved to be so. */
import { Argument, Command, Option } from 'commander';
import type { Backup } from '../../resources/backup.ts';
import { humanSize } from '../../resources/cells.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { keep } from '../download/keep.ts';
import { Ending, exits } from '../exits.ts';
import { backups } from '../objects/kinds.ts';
import { fullName, pathOf } from '../objects/kind.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly output?: string;
  readonly force?: boolean;
}

export function downloadCommand(shell: Shell): Command {
  const command = new Command('download')
    .description('Download the archive of a backup, a tar file compressed by gzip. Goes on where it was cut, also when it is called again.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')))
    .addOption(
      completing('files', new Option('-o, --output <file>', 'where to put it, - for standard output (default: NAMESPACE-NAME.tar.gz)')),
    )
    .option('--force', 'replace the file if there is one');
  return withConnection(command).action((name: string, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const backup = await api.json<Backup>({ path: pathOf(backups, api.namespace, name) }, shell.signal);
      const { bytes, sha256 } = backup.status?.archive ?? noArchive(name, backup);
      const archive = { path: pathOf(backups, api.namespace, name, 'proxy', 'download'), bytes, tag: sha256, sha256 };
      const file = flags.output ?? `${api.namespace}-${name}.tar.gz`;
      const kept = await keep(shell, api, archive, { file, force: flags.force });
      if (kept) shell.tell(`${file}: ${humanSize(bytes)}, sha256 ${sha256}`);
    }),
  );
}

function noArchive(name: string, { status }: Backup): never {
  throw new Ending(exits.no, `error: ${fullName(backups, name)} has no archive, it is ${status?.phase ?? 'New'}`);
}
