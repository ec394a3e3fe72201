/** What of a log somebody wants to see: the options of `kubectl logs`, on lines of the form `TIME LEVEL MESSAGE`. */
import type { LogOptions } from '../../resources/services.ts';

/** The lines of a whole log, each with its line break. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The part of a finished log that was asked for. */
export function chooseLines(lines: readonly string[], options: LogOptions): string[] {
  const recent = lines.filter((line) => isRecent(line, options));
  const last = options.tailLines === undefined ? recent : recent.slice(Math.max(0, recent.length - options.tailLines));
  return last.map((line) => shownLine(line, options));
}

/** Whether a line is of the time that was asked for. */
export function isRecent(line: string, { sinceTime }: LogOptions): boolean {
  return sinceTime === undefined || Date.parse(timeOf(line)) >= Date.parse(sinceTime);
}

/** A line with its time, or without. */
export function shownLine(line: string, { timestamps }: LogOptions): string {
  return timestamps ? line : line.slice(timeOf(line).length + 1);
}

const timeOf = (line: string) => line.slice(0, line.indexOf(' '));
