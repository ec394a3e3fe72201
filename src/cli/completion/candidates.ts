/** What may stand in the place of the last word of a command line: commands, flags, and names that the API knows. */
import type { Argument, Command, Option } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { connected, connectionOptions } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { needsNext, optionOf } from '../arguments.ts';
import { group, version } from '../../resources/group.ts';
import { backups, restores, snapshots } from '../objects/kinds.ts';
import { collectionOf } from '../objects/kind.ts';
import type { Shell } from '../shell.ts';
import { sourceOf } from './sources.ts';
import type { Source } from './sources.ts';

export interface Candidates {
  readonly candidates: readonly Candidate[];
  /** Names of files may stand there as well. */
  readonly files: boolean;
}

interface Candidate {
  readonly value: string;
  readonly description: string;
}

interface Position {
  readonly command: Command;
  /** Arguments in front of the last word. */
  readonly arguments: number;
  /** The option whose value the last word is. */
  readonly option: Option | undefined;
  /** The last word, or what follows `=` in it. */
  readonly begun: string;
  /** Whether the last word begins a flag. */
  readonly isFlag: boolean;
  /** What the flags in front say. */
  readonly flags: ConnectionFlags;
}

/** Milliseconds within which a shell should have its answer. */
const patience = '3s';
const mostNames = '500';

/** `words` follow the name of the program; the last one is unfinished, or empty. */
export async function candidatesFor(shell: Shell, program: Command, words: readonly string[]): Promise<Candidates> {
  const position = positionOf(program, joined(words));
  const { candidates, files } = await all(shell, position);
  return { candidates: candidates.filter(({ value }) => value.startsWith(position.begun)), files };
}

async function all(shell: Shell, { command, arguments: count, option, isFlag, flags }: Position): Promise<Candidates> {
  if (option) return valuesOf(shell, option, flags);
  if (isFlag) return { candidates: flagsOf(command), files: false };
  const subcommands = command.createHelp().visibleCommands(command);
  const named = subcommands.map((one) => ({ value: one.name(), description: one.description() }));
  const { registeredArguments } = command;
  const argument = registeredArguments[count] ?? registeredArguments.findLast(({ variadic }) => variadic);
  return subcommands.length > 0 || !argument ? { candidates: named, files: false } : valuesOf(shell, argument, flags);
}

function positionOf(program: Command, words: readonly string[]): Position {
  const last = words.at(-1) ?? '';
  const { command, count, option, flags } = walked(program, words.slice(0, -1));
  const behind = option === undefined && last.includes('=') ? flagOf(command, last) : undefined;
  return {
    command,
    arguments: count,
    option: option ?? behind,
    begun: behind ? last.slice(last.indexOf('=') + 1) : last,
    isFlag: last.startsWith('-'),
    flags,
  };
}

/** What the words say up to the last one; the option whose value that one is, if it is one. */
function walked(program: Command, words: readonly string[]) {
  let command = program;
  let count = 0;
  let option: Option | undefined;
  const flags: Record<string, string> = {};
  for (const word of words) {
    const named: Option | undefined = option ? undefined : flagOf(command, word);
    const next = command.commands.find((one) => one.name() === word);
    if (option) flags[option.attributeName()] = word;
    else if (named) flags[named.attributeName()] = word.slice(word.indexOf('=') + 1);
    else if (next) command = next;
    else count += 1;
    option = named && needsNext(named, word) ? named : undefined;
  }
  const given = (['namespace', 'kubeconfig', 'context', 'as'] as const).filter((name) => flags[name] !== undefined);
  return { command, count, option, flags: Object.fromEntries(given.map((name) => [name, flags[name]])) satisfies ConnectionFlags };
}

const flagOf = (command: Command, word: string) =>
  word.startsWith('-') ? optionOf(word, [...command.options, ...connectionOptions()]) : undefined;

/** bash makes words of its own of `--flag=value`: `--flag`, `=`, `value`. */
function joined(words: readonly string[]): string[] {
  const whole: string[] = [];
  for (const [index, word] of words.entries()) {
    const isBehind = words[index - 1] === '=' && (words[index - 2] ?? '').startsWith('-');
    if ((word === '=' && whole.at(-1)?.startsWith('-')) || isBehind) whole.push((whole.pop() ?? '') + word);
    else whole.push(word);
  }
  return whole;
}

function flagsOf(command: Command): Candidate[] {
  const options = command.createHelp().visibleOptions(command);
  return options.flatMap(({ long, description }) => (long ? [{ value: long, description }] : []));
}

async function valuesOf(shell: Shell, what: Argument | Option, flags: ConnectionFlags): Promise<Candidates> {
  if (what.argChoices) return { candidates: what.argChoices.map((value) => ({ value, description: '' })), files: false };
  const source = sourceOf(what);
  if (source === undefined) return { candidates: [], files: false };
  return source === 'files' ? { candidates: [], files: true } : { candidates: await namesFrom(shell, source, flags), files: false };
}

/** None where they cannot be had: a shell that waits for a word is no place for errors. */
async function namesFrom(shell: Shell, source: Exclude<Source, 'files'>, flags: ConnectionFlags): Promise<Candidate[]> {
  try {
    const quiet = { ...shell, tell: () => {} };
    return await connected(quiet, { ...flags, requestTimeout: patience }, (api) => names(api, source, shell.signal));
  } catch {
    return [];
  }
}

async function names(api: Api, source: Exclude<Source, 'files'>, signal: AbortSignal): Promise<Candidate[]> {
  const paths = {
    namespaces: '/api/v1/namespaces',
    backups: collectionOf(backups, api.namespace),
    restores: collectionOf(restores, api.namespace),
    snapshots: collectionOf(snapshots, api.namespace),
    backupstores: `/apis/${group}/${version}/backupstores`,
    persistentvolumeclaims: `/api/v1/namespaces/${encodeURIComponent(api.namespace)}/persistentvolumeclaims`,
  };
  const headers = { Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json' };
  const { items } = await api.json<{ readonly items: readonly KubeObject[] }>(
    { path: paths[source], headers, query: { limit: mostNames } },
    signal,
  );
  return items.map(({ metadata }) => ({ value: metadata.name, description: '' }));
}
