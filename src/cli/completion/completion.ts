/** `kylon completion`: what teaches a shell to complete; and what the shell then asks, as kubectl asks its plugins. */
import { Argument, Command } from 'commander';
import type { Shell } from '../shell.ts';
import { candidatesFor } from './candidates.ts';
import { scripts } from './scripts.ts';

/** The hidden command that the scripts call. */
const question = '__complete';

export function completionCommand(shell: Shell): Command {
  return new Command('completion')
    .description('Print what teaches a shell to complete commands, flags and names, as in: source <(kylon completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(scripts)))
    .action((name: keyof typeof scripts) => shell.write(scripts[name]));
}

/** Whether the arguments are the question of a shell. */
export const isQuestion = (args: readonly string[]) => args[0] === question;

/**
 * Answers as programs made with Cobra do, which is what kubectl expects of kubectl_complete-kylon: a candidate a line, its description
 * behind a tab, and in the last line `:4`, or `:0` where the shell may name files.
 */
export async function answer(shell: Shell, program: Command, words: readonly string[]): Promise<void> {
  const { candidates, files } = await candidatesFor(shell, program, words);
  const lines = candidates.map(({ value, description }) => (description ? `${value}\t${description}` : value));
  await shell.write([...lines, files ? ':0' : ':4'].map((line) => `${line}\n`).join(''));
}
