/**
 * Arguments as kubectl's parser takes them, in the form that commander takes: `--wait=true`, `-o=json`, flags that have a value only
 * behind `=`, and connection flags in front of the command.
 */
import type { Command, Option } from 'commander';
import { connectionOptions } from './api/connection.ts';

/** What follows the name of the program. */
export function asCommanderTakes(program: Command, args: readonly string[]): string[] {
  const { command, path, leading, rest } = commandIn(program, args);
  return [...path, ...normal([...leading, ...rest], command.options)];
}

interface Found {
  readonly command: Command;
  /** The words that lead to it. */
  readonly path: readonly string[];
  /** Connection flags that stand between them. */
  readonly leading: readonly string[];
  readonly rest: readonly string[];
}

function commandIn(program: Command, args: readonly string[]): Found {
  const known = connectionOptions();
  let command = program;
  const path: string[] = [];
  const leading: string[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    const option = optionOf(word, known);
    if (next) {
      command = next;
      path.push(word);
    } else if (option && command.commands.length > 0) {
      leading.push(word);
      if (needsNext(option, word)) leading.push(...args.slice(++at, at + 1));
    } else break;
  }
  return { command, path, leading, rest: args.slice(at) };
}

/** The option that a word names, with or without a value behind it. */
export function optionOf(word: string, options: readonly Option[]): Option | undefined {
  const [name = ''] = word.split('=');
  return options.find(({ long, short }) => name === long || (short !== undefined && name === short));
}

/** Whether the value of an option is the next word. */
export function needsNext(option: Option, word: string): boolean {
  return option.required && !word.includes('=');
}

function normal(args: readonly string[], options: readonly Option[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') return [...words, ...args.slice(at)];
    const option = word.startsWith('-') ? optionOf(word, options) : undefined;
    if (!option) words.push(word);
    else if (needsNext(option, word)) words.push(word, ...args.slice(++at, at + 1));
    else words.push(...withValue(word, option));
  }
  return words;
}

function withValue(word: string, option: Option): string[] {
  const at = word.indexOf('=');
  const value = at < 0 ? undefined : word.slice(at + 1);
  const name = option.long ?? word;
  if (option.required || option.optional) return [`${name}=${value ?? 'true'}`];
  if (value === undefined || value === 'true') return [word.slice(0, at < 0 ? undefined : at)];
  return value === 'false' ? [] : [word];
}
