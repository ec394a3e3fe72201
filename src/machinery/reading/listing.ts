/** What a list request reads: which state, which objects, how many of them, and how to get the rest. */
import type { Api } from '../api.ts';
import { decodeContinue, encodeContinue } from './continue.ts';
import type { Continue } from './continue.ts';
import { expired } from '../errors.ts';
import { groupResource, resourceKey } from '../keys.ts';
import { listOptions } from '../input/list-options.ts';
import type { ListOptions } from '../input/list-options.ts';
import type { ListMetadata } from '../representation.ts';
import type { ResourceCall } from '../resource.ts';
import { selectionOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { toApiError } from '../storage-errors.ts';
import { StorageExpired } from '../storage.ts';
import type { ListQuery, Stored, StoredPage } from '../storage.ts';

export interface Listing {
  readonly metadata: ListMetadata;
  /** Read lazily where the client asked for everything; iterate once. */
  readonly pages: AsyncIterable<readonly Stored[]>;
}

/** Rejects with ApiError 400, 410, 422, 503, 504. */
export async function readListing(api: Api, call: ResourceCall): Promise<Listing> {
  const options = listOptions(call.query);
  const selection = selectionOf(call);
  const from = options.continue ? decodeContinue(options.continue, call.definition.namespaced) : undefined;
  const page = await openPage(api, call, options, selection, from);
  if (options.limit === undefined) return { metadata: { resourceVersion: String(page.rv) }, pages: selected(page.items, selection) };
  const { pages, more } = await taken(page.items, selection, options.limit);
  const remaining = selection.all ? await page.remaining() : 0;
  const last = pages.at(-1)?.at(-1);
  const metadata: ListMetadata = {
    resourceVersion: String(page.rv),
    ...(last && (more || remaining > 0) && { continue: encodeContinue({ rv: page.rv, after: last.key }) }),
    // Left out where nobody knows, as the API allows: a list of a million in pages would count them all for each page.
    ...(remaining > 0 && Number.isFinite(remaining) && { remainingItemCount: remaining }),
  };
  return { metadata, pages: inOrder(pages) };
}

async function openPage(
  api: Api,
  call: ResourceCall,
  options: ListOptions,
  selection: Selection,
  from: Continue | undefined,
): Promise<StoredPage> {
  const { definition, resource } = call;
  const query: ListQuery = {
    resource: resourceKey(definition),
    ...(definition.namespaced && resource.namespace !== undefined && { namespace: resource.namespace }),
    at: stateFor(options, from),
    ...(from && { after: from.after }),
    ...(selection.all && options.limit !== undefined && { limit: options.limit }),
  };
  try {
    return await api.storage.list(query, call.signal);
  } catch (error) {
    if (error instanceof StorageExpired && from) throw expired(tooOld, encodeContinue({ ...from, rv: -1 }));
    throw toApiError(error, groupResource(definition), '', options.resourceVersion);
  }
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** A page of a list at a number is of exactly that state, also where the client does not say so: else its pages would not fit together. */
function stateFor({ resourceVersion, match, limit }: ListOptions, from: Continue | undefined): ListQuery['at'] {
  if (from) return from.rv < 0 ? 'latest' : { rv: from.rv, exact: true };
  if (resourceVersion === undefined) return 'latest';
  if (resourceVersion === 0) return 'any';
  return { rv: resourceVersion, exact: match === 'Exact' || (match === '' && limit !== undefined) };
}

/** The first `limit` objects that are wanted, and whether there are more. Reads only as far as it has to. */
async function taken(all: AsyncIterable<readonly Stored[]>, selection: Selection, limit: number) {
  const pages: (readonly Stored[])[] = [];
  let room = limit;
  for await (const page of selected(all, selection)) {
    if (room > 0) pages.push(page.length > room ? page.slice(0, room) : page);
    if (page.length > room) return { pages, more: true };
    room -= page.length;
  }
  return { pages, more: false };
}

export function selected(pages: AsyncIterable<readonly Stored[]>, selection: Selection): AsyncIterable<readonly Stored[]> {
  return selection.all ? pages : filtered(pages, selection);
}

async function* filtered(pages: AsyncIterable<readonly Stored[]>, selection: Selection): AsyncGenerator<readonly Stored[]> {
  for await (const page of pages) {
    const wanted = selection.from(page);
    if (wanted.length > 0) yield wanted;
  }
}

async function* inOrder<T>(pages: readonly T[]): AsyncGenerator<T> {
  yield* pages;
}
