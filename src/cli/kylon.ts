#!/usr/bin/env node
/** `kylon`: the commands for people. Each is a file beside this one. commander: parses, helps and completes; well kept. */
import { Command, CommanderError } from 'commander';
import { systemClock } from '../base/clock.ts';
import { randomIds } from '../base/ids.ts';
import { messageOf } from '../base/lifetime.ts';
import { createMetrics } from '../base/metrics.ts';
import { keysCommand } from './keys.ts';
import { storeCommand } from './store.ts';
import type { Terminal } from './terminal.ts';

const terminal: Terminal = {
  clock: systemClock,
  ids: randomIds,
  metrics: createMetrics(),
  env: process.env,
  say: (text) => process.stdout.write(`${text}\n`),
};

/** 0: done. 1: it cannot be done, or the answer is no; why stands on standard error. 2: not understood. */
try {
  await program(terminal).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** What commander has not understood, it has told already. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`kylon: ${messageOf(error)}\n`);
  return 1;
}

function program(terminal: Terminal): Command {
  return tellingFaults(
    new Command('kylon')
      .description('Backups and restores as native Kubernetes API objects.')
      .addCommand(keysCommand(terminal))
      .addCommand(storeCommand(terminal)),
  );
}

/** Throws what is not understood, and tells it as all faults are told; so do its subcommands. */
function tellingFaults(command: Command): Command {
  for (const one of command.commands) tellingFaults(one);
  return command.exitOverride().configureOutput({
    outputError: (text, write) => write(`kylon: ${text.replace(/^error: /, '')}`),
  });
}
