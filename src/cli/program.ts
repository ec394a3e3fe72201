/** The whole program: its commands, and with what it ends. commander: parses and helps; well kept. */
import { Command, CommanderError, Help } from 'commander';
import { messageOf } from '../base/lifetime.ts';
import { connectionOptions } from './api/connection.ts';
import { asCommanderTakes } from './arguments.ts';
import { backupCommand } from './backup/backup.ts';
import { diffCommand } from './backup/diff.ts';
import { downloadCommand } from './backup/download.ts';
import { itemsCommand } from './backup/items.ts';
import { answer, completionCommand, isQuestion } from './completion/completion.ts';
import { Ending, exits } from './exits.ts';
import type { ExitCode } from './exits.ts';
import { keysCommand } from './keys.ts';
import { logsCommand } from './objects/logs.ts';
import { restoreCommand } from './restore/restore.ts';
import type { Shell } from './shell.ts';
import { snapshotCommand } from './snapshot/snapshot.ts';
import { storeCommand } from './store.ts';
import { backups } from './objects/kinds.ts';

/** `args` follow the name of the program. */
export async function run(shell: Shell, args: readonly string[]): Promise<ExitCode> {
  const program = programOf(shell);
  try {
    if (isQuestion(args)) await answer(shell, program, args.slice(1));
    else await program.parseAsync(asCommanderTakes(program, args), { from: 'user' });
    return exits.done;
  } catch (error) {
    return endOf(shell, error);
  }
}

/** What commander has not understood, it has told already. */
function endOf(shell: Shell, error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exits.done : exits.usage;
  if (!(error instanceof Ending)) shell.tell(`kylon: ${messageOf(error)}`);
  else if (error.message) shell.tell(error.message);
  return error instanceof Ending ? error.code : exits.no;
}

function programOf(shell: Shell): Command {
  return tellingFaults(
    shell,
    new Command(shell.program)
      .description('Backups and restores as native Kubernetes API objects.')
      .commandsGroup('Backups, restores and snapshots:')
      .addCommand(backupCommand(shell))
      .addCommand(restoreCommand(shell))
      .addCommand(snapshotCommand(shell))
      .commandsGroup('Short for those of a backup:')
      .addCommand(itemsCommand(shell))
      .addCommand(diffCommand(shell))
      .addCommand(logsCommand(shell, backups))
      .addCommand(downloadCommand(shell))
      .commandsGroup('For operators:')
      .addCommand(keysCommand(shell))
      .addCommand(storeCommand(shell))
      .commandsGroup('Other:')
      .addCommand(completionCommand(shell))
      .addHelpText('after', () => `\n${connectionHelp()}`),
  );
}

/** In front of a command as well as behind it, so they are no flags of the program to the parser. */
function connectionHelp(): string {
  const help = new Help();
  const options = connectionOptions();
  const width = Math.max(...options.map((option) => help.optionTerm(option).length));
  const lines = options.map((option) => help.formatItem(help.optionTerm(option), width, help.optionDescription(option), help));
  return ['Connection, with every command about backups, restores and snapshots:', ...lines].join('\n');
}

/** Throws what is not understood, and tells it as all faults are told; so do its subcommands. */
function tellingFaults(shell: Shell, command: Command): Command {
  for (const one of command.commands) tellingFaults(shell, one);
  return command.exitOverride().configureOutput({
    writeOut: (text) => void shell.write(text),
    writeErr: (text) => shell.tell(text.trimEnd()),
    outputError: (text) => shell.tell(`kylon: ${text.replace(/^error: /, '').trimEnd()}`),
  });
}
