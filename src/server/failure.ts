/** Whatever was thrown, as the Status that the client gets. */
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Answer } from '../machinery/call.ts';
import { ApiError, internal } from '../machinery/errors.ts';

/** What is no ApiError is a fault of ours: the log tells it all, the client only where to look. */
export function apiErrorOf(thrown: unknown, log: Log, auditId: string): ApiError {
  if (thrown instanceof ApiError) {
    if (thrown.code >= 500) log.warn(thrown.message, { auditId, code: thrown.code, cause: chainOf(thrown) });
    return thrown;
  }
  log.error('a request failed for an unforeseen reason', { auditId, error: thrown instanceof Error ? thrown.stack : String(thrown) });
  return internal(`unforeseen; the log of the server tells more under ${auditId}`);
}

/** `indented`: for the eyes of a person. */
export function statusAnswer(error: ApiError, indented: boolean): Answer {
  const retryAfter = error.details?.retryAfterSeconds;
  return {
    status: error.code,
    headers: { 'Content-Type': 'application/json', ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }) },
    body: `${JSON.stringify(error.toStatus(), null, indented ? 2 : undefined)}\n`,
  };
}

/** Milliseconds. */
const patience = 10_000;

/** Sends a Status, which is short: a client that does not take it is one that wants to hold what it has asked by. Then it rejects. */
export function whileTaken(clock: Clock, signal: AbortSignal, send: (signal: AbortSignal) => Promise<void>): Promise<void> {
  return withDeadline(clock, patience, signal, () => new Error('the client does not take the answer'), send);
}

/** The causes behind it, but for those whose words stand in what they caused. */
function chainOf({ message, cause }: Error): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const own = message.includes(cause.message) ? undefined : cause.message;
  return [own, chainOf(cause)].filter((text) => text).join(': ') || undefined;
}
