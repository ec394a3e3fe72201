/** Time spans as kubectl prints them. https://github.com/kubernetes/apimachinery/blob/master/pkg/util/duration/duration.go */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Up to `below` milliseconds a span is shown in `unit`, followed by what is left of it in the next smaller unit where that is shown. */
const steps: readonly { readonly below: number; readonly unit: Unit; readonly rest?: Unit }[] = [
  { below: 2 * minute, unit: 's' },
  { below: 10 * minute, unit: 'm', rest: 's' },
  { below: 3 * hour, unit: 'm' },
  { below: 8 * hour, unit: 'h', rest: 'm' },
  { below: 2 * day, unit: 'h' },
  { below: 8 * day, unit: 'd', rest: 'h' },
  { below: 2 * year, unit: 'd' },
  { below: 8 * year, unit: 'y', rest: 'd' },
  { below: Infinity, unit: 'y' },
];

const lengths = { s: second, m: minute, h: hour, d: day, y: year };
type Unit = keyof typeof lengths;

const mostAhead = 2 * second;

/** `ms` in milliseconds. Spans that lie up to 2 seconds ahead count as nothing, those beyond that are invalid. */
export function humanDuration(ms: number): string {
  if (ms <= -mostAhead) return '<invalid>';
  const span = Math.max(ms, 0);
  const { unit, rest } = stepOf(span);
  const left = rest === undefined ? 0 : Math.floor((span % lengths[unit]) / lengths[rest]);
  return `${Math.floor(span / lengths[unit])}${unit}${left === 0 ? '' : `${left}${rest}`}`;
}

/** Milliseconds for which humanDuration says the same, while the span grows. */
export function steadyWhileGrowing(ms: number): number {
  if (ms <= -mostAhead) return 1 - mostAhead - ms;
  return ms < 0 ? second - ms : smallestIn(ms) - (ms % smallestIn(ms));
}

/** The same, while it shrinks; `ms` is not negative. */
export function steadyWhileShrinking(ms: number): number {
  return (ms % smallestIn(ms)) + 1;
}

/** What a span is shown in, down to the last digit. Each step begins at a multiple of it, so nothing changes in between. */
function smallestIn(span: number): number {
  const { unit, rest } = stepOf(span);
  return lengths[rest ?? unit];
}

const stepOf = (span: number): { readonly unit: Unit; readonly rest?: Unit } => steps.find(({ below }) => span < below) ?? { unit: 'y' };
