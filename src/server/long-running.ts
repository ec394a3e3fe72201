/** Which requests have no deadline, and which of them no end. machinery/timeout.ts says how long the others may take. */
import type { Target } from '../machinery/call.ts';
import { booleanParameter } from '../machinery/input/query-values.ts';

const streaming = new Set(['log', 'proxy', 'download']);

/** Goes on for as long as the client likes, and is not counted among the requests in flight. */
export function isLongRunning({ verb, resource }: Target): boolean {
  return verb === 'watch' || streaming.has(resource?.subresource ?? '');
}

/** Has no end of its own, so that it can be cut at any event without the client's taking a part for the whole. */
export function isEndless({ verb, resource, query }: Target): boolean {
  return verb === 'watch' || (resource?.subresource === 'log' && booleanParameter(query, 'follow') === true);
}
