/** Failures that are over in a moment, perhaps: no answer came, or that of a server that is overloaded, or gone behind its proxy. */
import { Refusal } from './refusal.ts';
import { Unreachable } from './unreachable.ts';

export function isAway(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Refusal && (error.status === 429 || error.status >= 500));
}
