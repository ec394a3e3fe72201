/** What a benchmark finds: a figure, what it is compared with, and how both are shown. */
import { appendFileSync } from 'node:fs';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run, turn by turn. */
  readonly against: string;
  readonly againstValue: number;
  /** value / againstValue. */
  readonly ratio: number;
  /** For the ratio; null where none is set. */
  readonly goal: number | null;
  readonly better: 'higher' | 'lower';
}

/** Tells it on standard error too: what comes behind it may take an hour, and fail. */
export function figure(given: Omit<Figure, 'ratio' | 'better'> & { readonly better?: 'higher' | 'lower' }): Figure {
  const { name, value, unit, against, againstValue, goal, better = 'higher' } = given;
  const ratio = round(value / againstValue);
  console.error(`${name}: ${round(value)} ${unit}, ${ratio} of ${round(againstValue)} (${against})`);
  return { name, value: round(value), unit, against, againstValue: round(againstValue), ratio, goal, better };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Measures both `rounds` times, in turns, so that what the machine does besides falls on both alike; answers the medians. */
export async function alternate(rounds: number, one: () => Promise<number>, other: () => Promise<number>): Promise<[number, number]> {
  const ones: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    others.push(await other());
    ones.push(await one());
  }
  return [median(ones), median(others)];
}

export function table(figures: readonly Figure[]): string {
  const head = ['name', 'measured', 'against', 'unit', 'ratio', 'goal', ''];
  const rows = figures.map(({ name, value, unit, against, againstValue, ratio, goal, better }) => [
    name,
    String(value),
    `${againstValue} (${against})`,
    unit,
    ratio.toFixed(2),
    goal === null ? '' : String(goal),
    verdict(ratio, goal, better),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function writeJson(file: string, figures: readonly Figure[]): void {
  for (const one of figures) appendFileSync(file, `${JSON.stringify(one)}\n`);
}

function verdict(ratio: number, goal: number | null, better: Figure['better']): string {
  if (goal === null) return '';
  return (better === 'higher' ? ratio >= goal : ratio <= goal) ? 'met' : 'missed';
}

const round = (value: number) => Number(value.toPrecision(4));
