/** A store that may only be read: its objects can be looked at, and whatever would change them by itself rests. */
import { once } from 'node:events';
import type { Log } from './base/log.ts';

/** Why nothing can be written; undefined where that is possible. */
export type ReadOnly = string | undefined;

type Work = (signal: AbortSignal) => Promise<void>;

export function tellReadOnly(readOnly: ReadOnly, { log }: { readonly log: Log }, say: (text: string) => void): void {
  if (readOnly === undefined) return;
  log.warn('the store is read-only', { cause: readOnly });
  say(`The store is read-only: ${readOnly}.\nBackups and restores can be looked at; nothing is made, changed, or removed when it expires.`);
}

/** `work`, or nothing until the signal aborts. */
export function unlessReadOnly(readOnly: ReadOnly, work: Work): Work {
  return readOnly === undefined ? work : rest;
}

async function rest(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
