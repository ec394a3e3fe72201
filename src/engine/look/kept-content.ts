/** A file or folder of what a driver keeps, for who brings it into a volume, and compares it with what is there then. */
import { TarScanner } from '../../base/tar-scanner.ts';
import { endOfTar, gnuEntry } from '../../base/tar.ts';
import type { TarContent } from '../../repository/reading/tar-of.ts';
import type { ContentForm, FilesContent, Original } from '../copy/volume-content.ts';
import type { KeptReader, Names } from './kept-reader.ts';

export class KeptContent implements FilesContent {
  readonly is = 'files';
  readonly hasAttributes = true;
  readonly #reader: KeptReader;
  readonly #names: Names;
  readonly count: number;
  readonly contentBytes: number;

  constructor(reader: KeptReader, names: Names, { count, contentBytes }: TarContent) {
    this.#reader = reader;
    this.#names = names;
    this.count = count;
    this.contentBytes = contentBytes;
  }

  /** What ends the tar file of the volume is held back for what is to come behind it. */
  async *tar({ isGnu, last }: ContentForm, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const scanner = new TarScanner({ entry: () => {} });
    let held = Buffer.alloc(0);
    let passed = 0;
    for await (const piece of this.#reader.archive(this.#names, isGnu ? 'posix' : 'gnu', scanner, signal)) {
      held = Buffer.concat([held, piece]);
      const end = scanner.isEnded ? scanner.offset - endOfTar.length - passed : held.length - endOfTar.length;
      if (end <= 0) continue;
      yield held.subarray(0, end);
      held = held.subarray(end);
      passed += end;
    }
    if (last) yield gnuEntry(last);
    yield endOfTar;
  }

  async find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined> {
    const all = [...this.#names.slice(0, -1), ...names.map((name) => Buffer.from(name, 'latin1'))];
    const entry = await this.#reader.entry(all, signal);
    return entry && { type: entry.type, size: entry.size, bytes: (reading) => this.#reader.bytes(all, 0, entry.size, reading) };
  }
}
