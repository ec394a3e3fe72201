/** A manifest that is given by `-f`, to which flags add. */
import { readFile } from 'node:fs/promises';
import { parseExactly } from '../../base/exact-json.ts';
import { messageOf } from '../../base/lifetime.ts';
import { causeOf } from '../../base/system-errors.ts';
import { jsonOfYaml } from '../../machinery/input/yaml-text.ts';
import { UsageError } from '../exits.ts';
import type { Shell } from '../shell.ts';
import type { Kind } from './kind.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** An empty one where no file is given; `-` is standard input. Throws UsageError. */
export async function readManifest(shell: Shell, kind: Kind, file: string | undefined): Promise<Manifest> {
  const empty = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, metadata: {}, spec: {} };
  if (file === undefined) return empty;
  const given = valueOf(file, await textOf(shell, file));
  if (given.kind !== kind.kind || given.apiVersion?.split('/')[0] !== kind.group)
    throw new UsageError(
      `${file}: it holds a ${given.kind ?? 'nothing with a kind'} of ${given.apiVersion ?? 'no apiVersion'}, not a ${kind.kind} of ${kind.group}`,
    );
  return { ...empty, ...given, metadata: { ...given.metadata }, spec: { ...given.spec } };
}

async function textOf(shell: Shell, file: string): Promise<string> {
  if (file === '-') return shell.input();
  try {
    return await readFile(file, { encoding: 'utf8', signal: shell.signal });
  } catch (error) {
    throw new UsageError(`${file}: ${causeOf(error)}`, { cause: error });
  }
}

function valueOf(file: string, text: string): Partial<Manifest> {
  try {
    const value = parseExactly(/^\s*\{/.test(text) ? text : jsonOfYaml(text).json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new UsageError(`${file}: ${messageOf(error)}`, { cause: error });
  }
  throw new UsageError(`${file}: it is no manifest`);
}
