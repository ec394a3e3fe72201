/** The events of one watch request, until the server ends it. */
import type { Clock } from '../base/clock.ts';
import type { ApiClient, ApiRequest } from './client.ts';
import { ClusterError } from './cluster.ts';

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** An event is one object, and etcd takes none above 1.5 MB. */
const longestEvent = 8 << 20;
const lineBreak = 0x0a;

const watchSeconds = 300;
/** After which a watch that the server should have ended counts as dead. */
const graceSeconds = 30;

/** What comes after this resourceVersion, for some minutes. Rejects as watchEvents does, and when the server goes silent. */
export async function* watchSince(
  client: ApiClient,
  { path, query }: ApiRequest,
  resourceVersion: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const done = new AbortController();
  const whole = AbortSignal.any([signal, done.signal]);
  clock.sleep((watchSeconds + graceSeconds) * 1000, whole).then(
    () => done.abort(new Error('the watch went silent')),
    () => {},
  );
  try {
    yield* watchEvents(client, { path, query: { ...query, resourceVersion, timeoutSeconds: String(watchSeconds) } }, whole);
  } finally {
    done.abort();
  }
}

/** ERROR events reject with ClusterError; BOOKMARK events are left out. */
export async function* watchEvents(client: ApiClient, request: ApiRequest, signal: AbortSignal): AsyncIterable<WatchEvent> {
  const query = { ...request.query, watch: 'true', allowWatchBookmarks: 'true' };
  for await (const line of linesOf(await client.stream({ ...request, query }, signal))) {
    const event = parseEvent(line);
    if (event.type === 'ERROR') throw watchError(event.object);
    if (event.type !== 'BOOKMARK') yield event;
  }
}

async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    for (let end = rest.indexOf(lineBreak); end >= 0; end = rest.indexOf(lineBreak)) {
      if (end > 0) yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > longestEvent) throw new ClusterError(0, '', `a watch event is longer than ${longestEvent} bytes`);
  }
}

function parseEvent(line: Buffer): WatchEvent {
  try {
    return JSON.parse(line.toString()) as WatchEvent;
  } catch (error) {
    throw new ClusterError(0, '', 'a watch event is not JSON', { cause: error });
  }
}

function watchError(status: unknown): ClusterError {
  const { code = 0, reason = '', message = 'the watch failed' } = status as { code?: number; reason?: string; message?: string };
  return new ClusterError(code, reason, message);
}
