/** Whether the entries of an index, however they came here, are all that its head promises. */
import type { Head } from '../state/apply.ts';
import { DigestSum } from '../state/digest.ts';

/** The tables of the index, in their order. */
export const tables = ['c', 'h', 'v'] as const;
export type Table = (typeof tables)[number];

const newline = '\n'.charCodeAt(0);

export class IndexTally {
  readonly #digest = new DigestSum();
  readonly #counts = { c: 0, h: 0, v: 0 };
  /** Changes of something that was there before. */
  #replacements = 0;
  #last: Buffer = Buffer.alloc(0);

  /** How many entries each table has. */
  get counts(): Readonly<Record<Table, number>> {
    return this.#counts;
  }

  /** Whole lines, which follow on those before. Throws an Error that says what there is and must not be. */
  add(lines: Buffer): void {
    for (let start = 0, end = 0; start < lines.length; start = end + 1) {
      end = lines.indexOf(newline, start);
      if (end === -1) throw new Error('a line without an end');
      this.#add(lines.subarray(start, end));
    }
  }

  /** What is missing or too much for `head`, in words; undefined where it is right. */
  faultFor(head: Pick<Head, 'rv' | 'horizon' | 'digest'>): string | undefined {
    const { h, v } = this.#counts;
    if (this.#digest.value !== head.digest) return 'the objects do not have the digest that belongs to them';
    if (h !== head.rv - head.horizon) return `there are ${h} changes of history, not ${head.rv - head.horizon}`;
    return v === this.#replacements ? undefined : `there are ${v} earlier states, not ${this.#replacements}`;
  }

  #add(line: Buffer): void {
    const table = String.fromCharCode(line[0] ?? 0) as Table;
    if (!tables.includes(table)) throw new Error('an entry of no known table');
    if (this.#last.compare(line) >= 0) throw new Error('an entry that is not in order');
    this.#last = line;
    if (table === 'c') this.#digest.add(line.subarray(2));
    else if (table === 'h' && isReplacement(line)) this.#replacements += 1;
    this.#counts[table] += 1;
  }
}

/** Of a change: whether the number of the state before is not 0. */
function isReplacement(line: Buffer): boolean {
  const op = line.indexOf(0, 2) + 1;
  const prev = line.indexOf(0, op) + 1;
  return line.toString('latin1', prev, prev + 2) !== '0\0';
}
