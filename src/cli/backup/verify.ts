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
import { waitFor } from '../objects/waiting.ts';
import { compactJson } from '../output/structured.ts';
import { progressOf } from '../output/progress.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly wait?: boolean;
}

interface Verification {
  readonly phase?: string;
  readonly items?: number;
  readonly bytes?: number;
  /** Texts, or objects that name what is wrong with what. */
  readonly faults?: readonly unknown[];
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

async function result(shell: Shell, api: Api, asked: KubeObject): Promise<KubeObject> {
  const { name } = asked.metadata;
  const progress = progressOf(shell);
  const see = (backup: KubeObject) => {
    const { items = 0 } = verificationOf(backup);
    const total = (backup.status as { items?: number } | undefined)?.items ?? 0;
    progress.show({ label: 'Verifying', done: items, total, unit: 'items' });
  };
  try {
    const what = { kind: backups, namespace: api.namespace, name };
    const verified = await waitFor({ api, clock: shell.clock }, what, { isDone: (backup) => !isUnderway(backup), see }, shell.signal);
    if (verified) return verified;
  } catch (error) {
    progress.clear();
    if (shell.signal.aborted) shell.tell(`the verification of ${fullName(backups, name)} goes on without you`);
    throw error;
  }
  throw new Ending(exits.failed, `${fullName(backups, name)} was deleted before it was verified`);
}

function conclude(shell: Shell, name: string, backup: KubeObject): void {
  const { phase = 'Unknown', faults = [] } = verificationOf(backup);
  if (shell.isInteractive) shell.redraw('');
  shell.say(`${fullName(backups, name)} verification ${phase}`);
  for (const fault of faults) shell.say(`  ${typeof fault === 'string' ? fault : compactJson(fault)}`);
  if (phase === 'Failed') throw new Ending(exits.no);
}

const isUnderway = (backup: KubeObject) => verificationOf(backup).phase === 'InProgress';
const verificationOf = ({ status }: KubeObject) => (status as { verification?: Verification } | undefined)?.verification ?? {};
