/** Prints a list below an object: lines as its pages come, or all of it as one document. */
import type { Shell } from '../shell.ts';
import { isStructured, structuredText } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import { TableText } from '../output/table.ts';
import type { Cell } from '../output/table.ts';
import type { Page } from './pages.ts';

export interface View<T> {
  readonly columns: readonly EntryColumn<T>[];
  /** For -o name. */
  readonly name: (entry: T) => string;
}

interface EntryColumn<T> {
  readonly name: string;
  readonly value: (entry: T) => Cell | undefined;
  readonly wide?: true;
}

/** What there was. */
interface Printed {
  readonly count: number;
  readonly warnings: readonly string[];
}

export async function printPages<T>(shell: Shell, pages: AsyncIterable<Page<T>>, view: View<T>, format: Format): Promise<Printed> {
  return isStructured(format)
    ? printWhole(shell, pages, (list) => structuredText(format, list))
    : printLines(shell, pages, format === 'name' ? (entries) => names(view, entries) : tableOf(view, format));
}

async function printWhole<T>(shell: Shell, pages: AsyncIterable<Page<T>>, textOf: (list: object) => string): Promise<Printed> {
  const items: T[] = [];
  const warnings: string[] = [];
  let head: Page<T> = {};
  for await (const page of pages) {
    head = page;
    items.push(...(page.items ?? []));
    warnings.push(...(page.warnings ?? []));
  }
  const told = warnings.length > 0 ? { warnings } : {};
  await shell.write(textOf({ apiVersion: head.apiVersion, kind: head.kind, metadata: {}, items, ...told }));
  return { count: items.length, warnings };
}

async function printLines<T>(shell: Shell, pages: AsyncIterable<Page<T>>, textOf: (entries: readonly T[]) => string): Promise<Printed> {
  const warnings: string[] = [];
  let count = 0;
  for await (const { items, warnings: more = [] } of pages) {
    if (items?.length) await shell.write(textOf(items));
    count += items?.length ?? 0;
    warnings.push(...more);
  }
  return { count, warnings };
}

const names = <T>(view: View<T>, entries: readonly T[]) => entries.map((entry) => `${view.name(entry)}\n`).join('');

function tableOf<T>({ columns }: View<T>, format: 'table' | 'wide'): (entries: readonly T[]) => string {
  const shown = columns.filter(({ wide = false }) => !wide || format === 'wide');
  const text = new TableText();
  let head: Cell[][] = [shown.map(({ name }) => name.toUpperCase())];
  return (entries) => {
    const lines = text.lines([...head, ...entries.map((entry) => shown.map(({ value }) => value(entry) ?? null))]);
    head = [];
    return lines;
  };
}
