/** Go durations such as 720h or 1h30m, the form in which Kubernetes writes spans of time. */
import type { FieldError } from '../machinery/errors.ts';

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A hundred years: what lies beyond is a slip, and the end of time for dates is not far. */
const longest = 876_000;

/** In milliseconds; undefined for a text that is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0),
    0,
  );
}

/** What is wrong with a duration that is given; its form is checked by the schema. */
export function durationFaults(field: string, value: string | undefined): readonly FieldError[] {
  const ms = value === undefined ? undefined : parseDuration(value);
  if (ms === undefined) return [];
  if (ms <= 0) return [{ field, type: 'Invalid value', value, detail: 'must be greater than 0' }];
  return ms > longest * 3_600_000 ? [{ field, type: 'Invalid value', value, detail: `must not be longer than ${longest}h` }] : [];
}
