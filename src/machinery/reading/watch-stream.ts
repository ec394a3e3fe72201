/** What a watch sends, line by line: the state it begins with, then every change, and bookmarks; at its end it just ends. */
import { messageOf } from '../../base/lifetime.ts';
import type { Api } from '../api.ts';
import { ApiError, expired, internal } from '../errors.ts';
import { groupResource } from '../keys.ts';
import type { EventWriter } from '../representation.ts';
import type { ResourceDefinition } from '../resource.ts';
import type { Selection } from './selection.ts';
import { toApiError } from '../storage-errors.ts';
import { StorageExpired, StorageUnavailable } from '../storage.ts';
import type { Stored, StoredEvent, WatchQuery } from '../storage.ts';
import { Ticker, withTicks } from './ticker.ts';

export interface WatchPlan {
  readonly definition: ResourceDefinition;
  readonly query: WatchQuery;
  readonly selection: Selection;
  /** What is there at `query.since`, if the client is to get that first. */
  readonly initial: AsyncIterable<readonly Stored[]> | undefined;
  /** Whether a bookmark marks the end of the initial state. */
  readonly marksInitial: boolean;
  readonly bookmarks: boolean;
  /** In milliseconds. */
  readonly length: number;
}

export async function* watchStream(
  api: Api,
  plan: WatchPlan,
  writer: EventWriter,
  signal: AbortSignal,
): AsyncGenerator<string | Uint8Array> {
  const stop = new AbortController();
  const whole = AbortSignal.any([signal, stop.signal]);
  const end = () => stop.abort();
  void api.clock.sleep(plan.length, whole).then(end, end);
  const ticker = new Ticker();
  if (plan.bookmarks) void ticker.run(api.clock, () => api.storage.current(), plan.length, whole).catch(end);
  const position = { rv: plan.query.since };
  try {
    yield* initialEvents(plan, writer, whole);
    yield* liveEvents(api, plan, writer, ticker, position, whole);
  } catch (error) {
    // A store that goes away says nothing about the client's place: it comes back with it when the store does.
    if (!whole.aborted && !(error instanceof StorageUnavailable)) yield errorLine(error, plan, position.rv, api.storage.current());
  } finally {
    end();
  }
}

async function* initialEvents(
  { initial, marksInitial, query }: WatchPlan,
  writer: EventWriter,
  signal: AbortSignal,
): AsyncGenerator<string | Uint8Array> {
  for await (const page of initial ?? []) {
    // A copy, because what is made of it is not worth keeping as long as the object is.
    for (const stored of page) yield writer.event('ADDED', { ...stored });
    signal.throwIfAborted();
  }
  if (marksInitial) yield writer.bookmark(query.since, true);
}

async function* liveEvents(
  api: Api,
  plan: WatchPlan,
  writer: EventWriter,
  ticker: Ticker,
  position: { rv: number },
  signal: AbortSignal,
): AsyncGenerator<string | Uint8Array> {
  await requireReached(api, plan.query.since, signal);
  for await (const item of withTicks(api.storage.watch(plan.query, signal), ticker)) {
    if ('events' in item) {
      const lines = item.events.map((event) => eventLine(event, plan.selection, writer)).filter((line) => line !== undefined);
      position.rv = item.events.at(-1)?.rv ?? position.rv;
      const [line, ...more] = lines;
      // A single one is not copied: its bytes are those of all watches.
      if (line !== undefined) yield more.length > 0 ? Buffer.concat(lines) : line;
    } else {
      position.rv = Math.max(position.rv, item.quietAt ?? 0);
      yield writer.bookmark(position.rv, false);
    }
  }
}

/** A number that was never given out will not be: whoever holds it has to list again, or it would miss what comes until then. */
async function requireReached(api: Api, rv: number, signal: AbortSignal): Promise<void> {
  if (rv <= api.storage.current()) return;
  const latest = await api.storage.latest(signal);
  if (rv > latest) throw expired(`too large resource version: ${rv}, current: ${latest}`);
}

/** With a selector, objects come and go by changing. Whoever leaves is shown as it was last seen, under the number of the change. */
function eventLine(event: StoredEvent, selection: Selection, writer: EventWriter): Uint8Array | undefined {
  const { type, key, json, before, rv } = event;
  if (selection.all) return writer.event(type, event);
  const is = selection.keeps(key, json);
  if (type !== 'MODIFIED' || before === undefined) return is ? writer.event(type, event) : undefined;
  const was = selection.keeps(key, before);
  if (is) return writer.event(was ? 'MODIFIED' : 'ADDED', event);
  return was ? writer.event('DELETED', { json: before, rv }) : undefined;
}

/** A Status whatever the client asked objects to look like. */
function errorLine(error: unknown, { definition }: WatchPlan, rv: number, current: number): string {
  return `${JSON.stringify({ type: 'ERROR', object: watchError(error, definition, rv, current).toStatus() })}\n`;
}

function watchError(error: unknown, definition: ResourceDefinition, rv: number, current: number): ApiError {
  if (error instanceof StorageExpired) return expired(`too old resource version: ${rv} (${current})`);
  const known = toApiError(error, groupResource(definition), '');
  return known instanceof ApiError ? known : internal(messageOf(error), error);
}
