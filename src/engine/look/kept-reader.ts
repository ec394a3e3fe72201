/** Asks programs in the Pod that has the volume, and takes what they tell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pulled } from '../../base/pieces.ts';
import type { TarScanner } from '../../base/tar-scanner.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { internal, unavailable } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { readOut } from '../copy/read-out.ts';
import type { Reader } from '../copy/read-out.ts';
import { isOfSignal } from '../mover/pod-state.ts';
import { replaced } from '../snapshot/shown-file.ts';
import type { TarContent } from '../../repository/reading/tar-of.ts';
import { entryIn, Records, sizeIn } from './kept-entries.ts';
import type { KeptEntry } from './kept-entries.ts';
import type { KeptVolume } from './kept-volumes.ts';

/** Run by sh in the container. */
const look = readFileSync(join(import.meta.dirname, 'look.sh'), 'utf8');
/** By which it tells that a path names nothing. */
const nothingThere = 44;

/** The bytes of each name of a path. */
export type Names = readonly Buffer[];
/** What look.sh is asked for; of a list the first entry and how many, of a file the first byte and how many. */
type Question = readonly [what: 'list' | 'names' | 'sizes' | 'file' | TarFormat, first?: number, count?: number];
/** Every tar reads the one of GNU; the one of POSIX has extended attributes and fractions of seconds. */
type TarFormat = 'gnu' | 'posix';

/** Everything rejects with ApiError, RunFailed or ClusterError; undefined is what the names lead to where there is nothing. */
export class KeptReader {
  readonly #snapshot: KubeObject;
  readonly #volume: KeptVolume;

  constructor(snapshot: KubeObject, volume: KeptVolume) {
    this.#snapshot = snapshot;
    this.#volume = volume;
  }

  /** What it is, and so many entries of a folder, from the `start`th one on, counted from 0. */
  async list(names: Names, start: number, count: number, signal: AbortSignal): Promise<KeptEntry[] | undefined> {
    const found: KeptEntry[] = [];
    const take = (record: Buffer) => {
      if (found.length > count) throw internal('more was told of the volume than was asked for');
      found.push(entryIn(record));
    };
    const isThere = await this.#records(names, ['list', start + 1, count], take, signal);
    return isThere ? found : undefined;
  }

  async entry(names: Names, signal: AbortSignal): Promise<KeptEntry | undefined> {
    return (await this.list(names, 0, 0, signal))?.[0];
  }

  /** How many entries there are, and how many bytes its files have. */
  async sizeOf(names: Names, signal: AbortSignal): Promise<TarContent | undefined> {
    let [count, contentBytes] = [0, 0];
    const take = (record: Buffer) => {
      count++;
      contentBytes += sizeIn(record);
    };
    const isThere = await this.#records(names, ['sizes'], take, signal);
    return isThere ? { count, contentBytes } : undefined;
  }

  /** `length` may not be more than there is. */
  bytes(names: Names, start: number, length: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let left = length;
    const see = (piece: Uint8Array) => void (left -= piece.length);
    return this.#read(names, ['file', start, length], see, () => left === 0, signal);
  }

  /** `scanner` sees what comes. */
  archive(names: Names, format: TarFormat, scanner: TarScanner, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const see = (piece: Uint8Array) => scanner.push(piece);
    return this.#read(names, [format], see, () => scanner.isEnded, signal);
  }

  /** Those of a path as it is shown, as the volume has them. */
  async namesOf(parts: readonly string[], signal: AbortSignal): Promise<Names | undefined> {
    const names: Buffer[] = [];
    for (const part of parts) {
      const name = part.includes(replaced) ? await this.#nameShownAs(part, names, signal) : Buffer.from(part);
      if (!name) return undefined;
      names.push(name);
    }
    return names;
  }

  async #nameShownAs(part: string, folder: Names, signal: AbortSignal): Promise<Buffer | undefined> {
    let found: Buffer | undefined;
    const take = (name: Buffer) => {
      if (name.equals(Buffer.from(part))) found = Buffer.from(name);
      else if (name.toString() === part) found ??= Buffer.from(name);
    };
    await this.#records(folder, ['names'], take, signal);
    return found;
  }

  /** Resolves to whether anything is there. */
  #records(names: Names, question: Question, take: (record: Buffer) => void, signal: AbortSignal): Promise<boolean> {
    const records = new Records();
    const push = async (piece: Uint8Array) => {
      for (const record of records.push(piece)) take(record);
    };
    return this.#ask(names, question, { push, isWhole: () => records.isWhole }, signal);
  }

  #read(
    names: Names,
    question: Question,
    see: (piece: Uint8Array) => void,
    isWhole: () => boolean,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    return pulled<Uint8Array>(async (push, reading) => {
      if (isWhole()) return;
      const take = async (piece: Uint8Array) => {
        see(piece);
        await push(piece);
      };
      if (!(await this.#ask(names, question, { push: take, isWhole }, reading)))
        throw internal('what was found in the volume is not there any more');
    }, signal);
  }

  async #ask(names: Names, [what, first = 0, count = 0]: Question, reader: Reader, signal: AbortSignal): Promise<boolean> {
    const { sender, mounted } = this.#volume;
    const program = ['sh', '-c', look, 'sh', mounted.path, what, String(first), String(count), ...names.map(octal)];
    const { code, complaints } = await readOut({ ...sender, signal }, { owner: this.#snapshot }, mounted, program, reader).catch(cut);
    if (code === nothingThere) return false;
    if (isOfSignal(code)) throw unavailable(`the Pod ${mounted.pod} that reads the volume has ended, try again`);
    // Of what is only read nothing can go meanwhile.
    const fault = complaints.fault ?? complaints.warnings.find((line) => line.endsWith('No such file or directory'));
    if (code === 0 && reader.isWhole() && fault === undefined) return true;
    const why = fault ?? complaints.lastWords;
    throw internal(`the volume could not be read to the end by the Pod ${mounted.pod}, where a program ended with ${code}: ${why}`);
  }
}

/** The Pod may have ended meanwhile: whoever asks again gets another one. */
function cut(error: unknown): never {
  if (!(error instanceof ClusterError) || error.code === 403) throw error;
  throw unavailable(`the volume cannot be read just now, try again: ${error.message}`, error);
}

/** As printf %b takes bytes: a command of a container has to be UTF-8, which a name need not be. */
const octal = (name: Buffer) => [...name].map((byte) => String.raw`\0${byte.toString(8).padStart(3, '0')}`).join('');
