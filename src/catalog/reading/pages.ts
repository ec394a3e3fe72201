/** Pages of a list, all of them true at one number. */
import type { ListQuery, Stored, StoredPage } from '../../machinery/storage.ts';
import type { KeyRange } from '../local-index/index-keys.ts';
import type { IndexView } from '../local-index/index-view.ts';

const pieceObjects = 500;
/** Objects behind a page that are counted: a matter of milliseconds. */
const mostCounted = 2000;

/** A page as it was at `rv`, which `view` can show. Closes the view when the page was read, or the signal aborts. */
export function pageOf(query: ListQuery, rv: number, view: IndexView, again: () => IndexView, signal: AbortSignal): StoredPage {
  const close = () => void view.close();
  signal.addEventListener('abort', close, { once: true });
  const seen: { last: Stored | undefined; count: number } = { last: undefined, count: 0 };
  async function* items(): AsyncGenerator<readonly Stored[]> {
    try {
      for await (const piece of piecesOf(view, query, rv, query.limit)) {
        signal.throwIfAborted();
        seen.last = piece.at(-1);
        seen.count += piece.length;
        yield piece;
      }
    } finally {
      signal.removeEventListener('abort', close);
      await view.close();
    }
  }
  const remaining = async () => {
    if (query.limit === undefined || seen.count < query.limit || seen.last === undefined) return 0;
    return countBehind({ ...query, after: seen.last.key }, rv, again());
  };
  return { rv, items: items(), remaining };
}

async function* piecesOf(view: IndexView, range: KeyRange, rv: number, limit: number | undefined): AsyncGenerator<readonly Stored[]> {
  if (limit === 0) return;
  if (rv === view.rv) yield* view.scan(range, limit);
  else yield* inPieces(view.scanAt(rv, range), limit ?? Number.POSITIVE_INFINITY);
}

async function* inPieces(items: AsyncGenerator<Stored>, limit: number): AsyncGenerator<readonly Stored[]> {
  let piece: Stored[] = [];
  let count = 0;
  for await (const item of items) {
    count++;
    if (piece.push(item) < pieceObjects && count < limit) continue;
    yield piece;
    piece = [];
    if (count === limit) return;
  }
  if (piece.length > 0) yield piece;
}

async function countBehind(range: KeyRange, rv: number, view: IndexView): Promise<number> {
  try {
    if (rv === view.rv) return await view.count(range, mostCounted);
    let count = 0;
    for await (const piece of piecesOf(view, range, rv, mostCounted + 1)) count += piece.length;
    return count > mostCounted ? Number.POSITIVE_INFINITY : count;
  } finally {
    await view.close();
  }
}
