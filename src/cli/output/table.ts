/** Tables as kubectl prints them: https://github.com/kubernetes/cli-runtime/blob/master/pkg/printers/tableprinter.go */
import { escaped } from './escaped.ts';

export type Cell = string | number | boolean | bigint | null;

const narrowest = 6;
const gap = 3;

/** Lines up the columns of all rows that it has printed so far, so that those of a watch stand below each other. */
export class TableText {
  readonly #widths: number[] = [];

  /** Lines with their line breaks. */
  lines(rows: readonly (readonly Cell[])[]): string {
    const texts = rows.map((row) => row.map(cellText));
    for (const row of texts) row.slice(0, -1).forEach((text, index) => this.#widen(index, text));
    return texts.map((row) => `${row.map((text, index) => this.#padded(text, index, row.length)).join('')}\n`).join('');
  }

  #widen(index: number, text: string): void {
    this.#widths[index] = Math.max(this.#widths[index] ?? narrowest, lengthOf(text) + gap);
  }

  #padded(text: string, index: number, count: number): string {
    return index === count - 1 ? text : text + ' '.repeat((this.#widths[index] ?? 0) - lengthOf(text));
  }
}

/** A cell is one line, and moves no cursor. */
function cellText(cell: Cell): string {
  if (cell === null) return '';
  const text = String(cell);
  const end = text.search(/[\f\n\r]/);
  const line = end < 0 ? text : `${text.slice(0, end)}...`;
  return escaped(line);
}

/** In characters, as Go counts them. */
const lengthOf = (text: string) => Array.from(text).length;
