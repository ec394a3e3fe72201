/** `backup verify`: lets the server read and hash again all that a backup consists of. */
import { Argument, Command, Option } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { Ending, exits } from '../exits.ts';
import { backups } from '../objects/kinds.ts';
import { fullName, pathOf } from '../objects/kind.ts';
import { lookOn } from '../objects/looking-on.ts';
import type { State } from '../output/progress.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly wait?: boolean;
}

interface Fault {
  readonly file?: string;
  readonly item?: string;
  readonly message: string;
}

interface Verification {
  readonly phase?: string;
  readonly items?: number;
  /** All of them; `faults` has the first. */
  readonly faultCount?: number;
  readonly faults?: readonly Fault[];
}

export function verifyCommand(shell: Shell): Command {
  const command = new Command('verify')
    .description('Check that a backup is whole: every byte is read and hashed again, by the server. Ends with 1 where it is damaged.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')))
    .addOption(new Option('-w, --wait', 'wait for the result, however long that takes'));
  return withConnection(command).action((name: string, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const path = pathOf(backups, api.namespace, name, 'verify');
      const asked = await api.json<KubeObject>({ method: 'POST', path }, shell.signal);
      conclude(shell, name, flags.wait ? await result(shell, api, asked) : asked);
    }),
  );
}

async function result(shell: Shell, api: Api, { metadata: { name } }: KubeObject): Promise<KubeObject> {
  const goesOn = `the verification of ${fullName(backups, name)} goes on without you`;
  const isDone = (backup: KubeObject) => verificationOf(backup).phase !== 'InProgress';
  const verified = await lookOn(shell, api, { kind: backups, namespace: api.namespace, name }, { isDone, stateOf, goesOn });
  if (verified) return verified;
  throw new Ending(exits.failed, `${fullName(backups, name)} was deleted before it was verified`);
}

function stateOf(backup: KubeObject): State {
  const { items: total = 0 } = (backup.status ?? {}) as { items?: number };
  return { label: 'Verifying', done: verificationOf(backup).items ?? 0, total, unit: 'items' };
}

function conclude(shell: Shell, name: string, backup: KubeObject): void {
  const { phase = 'Unknown', faults = [], faultCount = 0 } = verificationOf(backup);
  shell.say(`${fullName(backups, name)} verification ${phase}`);
  for (const { file, item, message } of faults) shell.say(`  ${[file, item, message].filter(Boolean).join(': ')}`);
  if (faultCount > faults.length) shell.say(`  … and ${faultCount - faults.length} more`);
  if (phase === 'Failed') throw new Ending(exits.no);
}

const verificationOf = ({ status }: KubeObject) => (status as { verification?: Verification } | undefined)?.verification ?? {};
