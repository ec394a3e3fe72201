/** Go durations such as 720h or 1h30m, the form in which Kubernetes writes spans of time. */
import { spanOf } from '../machinery/duration.ts';
import type { FieldError } from '../machinery/errors.ts';

/** A hundred years: what lies beyond is a slip, and the end of time for dates is not far. */
const longest = 876_000;

/** In milliseconds; undefined for a text that is none. */
export function parseDuration(text: string): number | undefined {
  return /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text) ? spanOf(text) : undefined;
}

/** What is wrong with a duration that is given; its form is checked by the schema. */
export function durationFaults(field: string, value: string | undefined): readonly FieldError[] {
  const ms = value === undefined ? undefined : parseDuration(value);
  if (ms === undefined) return [];
  if (ms <= 0) return [{ field, type: 'Invalid value', value, detail: 'must be greater than 0' }];
  return ms > longest * 3_600_000 ? [{ field, type: 'Invalid value', value, detail: `must not be longer than ${longest}h` }] : [];
}
