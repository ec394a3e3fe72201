/** The log of a run that another replica carries out, for one who reads it here: piece by piece, each once, and anew where the run was begun anew. */
import type { KubeObject } from '../../machinery/object.ts';
import { linesOf } from './log-lines.ts';
import { statusOf } from './run-status.ts';

/** Piece `number`, from 1, of the run that the object names; undefined where there is none, not yet or not any more. */
export type ReadPiece = (object: KubeObject, number: number) => Promise<string | undefined>;

/** A run of an hour may have a thousand pieces. */
const mostAtOnce = 8;

export class Elsewhere {
  readonly #readPiece: ReadPiece;
  /** Id of the run that was read last, and what was read of it. */
  #run: string | undefined;
  #pieces = 0;
  #lines = 0;

  constructor(readPiece: ReadPiece) {
    this.#readPiece = readPiece;
  }

  /** How many lines were read of the run that the object names. */
  linesReadOf(object: KubeObject): number {
    return statusOf(object).run?.id === this.#run ? this.#lines : 0;
  }

  /** What was added since the last call; one that rejects counts for nothing. One read where nothing was. */
  async next(object: KubeObject): Promise<string[]> {
    const { run } = statusOf(object);
    if (!run) return [];
    if (run.id !== this.#run) [this.#run, this.#pieces, this.#lines] = [run.id, 0, 0];
    const texts: string[] = [];
    for (let count = 1; ; count = Math.min(2 * count, mostAtOnce)) {
      const found = await this.#read(object, this.#pieces + texts.length, count);
      texts.push(...found);
      if (found.length < count) break;
    }
    const lines = linesOf(texts.join(''));
    this.#pieces += texts.length;
    this.#lines += lines.length;
    return lines;
  }

  /** As many of the next `count` pieces behind the first `known` as are there, up to the first that is not. */
  async #read(object: KubeObject, known: number, count: number): Promise<string[]> {
    const next = Array.from({ length: count }, (_, index) => known + 1 + index);
    const read = await Promise.all(next.map((number) => this.#readPiece(object, number)));
    const gap = read.indexOf(undefined);
    return read.slice(0, gap < 0 ? count : gap).filter((text) => text !== undefined);
  }
}
