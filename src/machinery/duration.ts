/** Spans of time as Go writes them, and with it Kubernetes: 720h, 1h30m, 1.5s. */

/** Milliseconds of each unit; both signs for micro are in use. */
const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of all that `text` names, without its sign. Whether the text has the form that is wanted is checked by the caller. */
export function spanOf(text: string): number {
  const parts = text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g);
  return [...parts].reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0);
}
