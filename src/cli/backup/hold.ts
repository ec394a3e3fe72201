/** `backup hold`, `backup release`: keeps a backup from expiry and deletion, until it is released. */
import { Argument, Command } from 'commander';
import { apiVersion } from '../../resources/group.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { backups } from '../objects/kinds.ts';
import { fullName, pathOf } from '../objects/kind.ts';
import type { Shell } from '../shell.ts';

interface HoldFlags extends ConnectionFlags {
  readonly reason?: string;
}

export function holdCommand(shell: Shell): Command {
  const command = new Command('hold')
    .description('Keep a backup from expiry and deletion.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')))
    .option('--reason <text>', 'why, for whoever wants to delete it');
  return withConnection(command).action((name: string, { reason, ...flags }: HoldFlags) =>
    connected(shell, flags, async (api) => {
      const body = { apiVersion, kind: 'BackupHold', ...(reason !== undefined && { reason }) };
      await api.json({ method: 'PUT', path: pathOf(backups, api.namespace, name, 'hold'), body }, shell.signal);
      shell.say(`${fullName(backups, name)} held`);
    }),
  );
}

export function releaseCommand(shell: Shell): Command {
  const command = new Command('release')
    .description('Let a backup that is held expire and be deleted again.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')));
  return withConnection(command).action((name: string, flags: ConnectionFlags) =>
    connected(shell, flags, async (api) => {
      await api.json({ method: 'DELETE', path: pathOf(backups, api.namespace, name, 'hold') }, shell.signal);
      shell.say(`${fullName(backups, name)} released`);
    }),
  );
}
