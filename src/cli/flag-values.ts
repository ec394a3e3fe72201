/** Values of flags as kubectl and Velero write them. */
import { parseDuration } from '../resources/durations.ts';
import { UsageError } from './exits.ts';

/** `a,b`, and the flag again for more: an argument parser of commander. */
export function listed(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...value.split(',').filter((part) => part !== '')];
}

/** One value each time the flag is given. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `key=value,…` or `from:to,…`, and the flag again for more. */
export function pairs(flag: string, separator: '=' | ':') {
  return (value: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
    ...before,
    ...Object.fromEntries(listed(value).map((part) => pairOf(flag, part, separator))),
  });
}

function pairOf(flag: string, part: string, separator: string): [string, string] {
  const at = part.indexOf(separator);
  if (at <= 0) throw new UsageError(`--${flag}: "${part}" is not of the form ${separator === '=' ? 'key=value' : 'from:to'}`);
  return [part.slice(0, at), part.slice(at + 1)];
}

/** `true` or `false`, as Go reads them. */
export function boolean(flag: string) {
  return (value: string): boolean => {
    if (/^(1|t|true)$/i.test(value)) return true;
    if (/^(0|f|false)$/i.test(value)) return false;
    throw new UsageError(`--${flag}: "${value}" is neither true nor false`);
  };
}

export function wholeNumber(flag: string) {
  return (value: string): number => {
    if (/^\d{1,15}$/.test(value)) return Number(value);
    throw new UsageError(`--${flag}: "${value}" is not a whole number`);
  };
}

/** As Go writes it, and the API takes it. */
export function durationText(flag: string) {
  return (value: string): string => {
    if (parseDuration(value) !== undefined) return value;
    throw new UsageError(`--${flag}: "${value}" is not a duration of hours, minutes and seconds, such as 48h, 1h30m or 90s`);
  };
}

/** Milliseconds. */
export function durationOf(flag: string) {
  return (value: string): number => parseDuration(durationText(flag)(value)) ?? 0;
}
