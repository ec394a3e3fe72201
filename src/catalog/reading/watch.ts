/** A watch: first out of the history, then live, without a gap and without doing anything twice. */
import type { StoredEvent, WatchQuery } from '../../machinery/storage.ts';
import { StorageExpired } from '../../machinery/storage.ts';
import type { IndexView } from '../local-index/index-view.ts';
import type { State } from '../state/state.ts';

/** Changes that are read from the history at once. */
const pieceChanges = 200;

export async function* watch(state: State, query: WatchQuery, signal: AbortSignal): AsyncGenerator<readonly StoredEvent[]> {
  let since = query.since;
  state.check();
  while (since < state.head.rv && !signal.aborted) {
    const piece = await pieceOf(state.view(), query, since);
    since = piece.upTo;
    if (piece.events.length > 0) yield piece.events;
    state.check();
  }
  // In the same tick: what is published from here on has a higher number than what the history gave.
  const watcher = state.hub.add({ ...query, since });
  try {
    yield* watcher.events(signal);
  } finally {
    state.hub.remove(watcher);
  }
}

async function pieceOf(
  view: IndexView,
  query: WatchQuery,
  since: number,
): Promise<{ readonly events: readonly StoredEvent[]; readonly upTo: number }> {
  try {
    if (since < view.horizon)
      throw new StorageExpired(`changes after number ${since} are not kept any more, only those after ${view.horizon}`);
    const changes = await view.changes(since, pieceChanges);
    const wanted = changes.filter(
      ({ key }) => key.resource === query.resource && (query.namespace === undefined || key.namespace === query.namespace),
    );
    return { events: wanted.map((change) => view.eventOf(change)), upTo: changes.at(-1)?.rv ?? since };
  } finally {
    await view.close();
  }
}
