/** `kylon keys`: keys to encrypt a store with. */
import { Command } from 'commander';
import { newKeyLine } from '../objectstore/encryption/keyring.ts';
import type { Terminal } from './terminal.ts';

export function keysCommand(terminal: Terminal): Command {
  return new Command('keys').description('Keys to encrypt a store with.').addCommand(generateCommand(terminal));
}

function generateCommand(terminal: Terminal): Command {
  return new Command('generate')
    .description('Prints a new key as a line for the file that --encryption-keys names. The first line of that file encrypts what is new.')
    .argument('[name]', 'name of the key, of a-z 0-9 -, which is written into the store; it has to be new (default: that of the day)')
    .action((name?: string) => terminal.say(newKeyLine(name ?? nameOfToday(terminal), terminal.ids)));
}

function nameOfToday({ clock }: Terminal): string {
  return `key-${new Date(clock.now()).toISOString().slice(0, 10)}`;
}
