/** A whole resource in pages, the next one already on its way while the consumer works on this one. */
import type { ApiClient } from './client.ts';
import { ClusterError } from './cluster.ts';
import type { ApiResource, ListOptions, Page } from './cluster.ts';
import { ResponseTooLarge } from './http.ts';
import { collectionPath } from './paths.ts';
import { splitList } from './split.ts';
import { errorOf, freshContinueToken } from './status.ts';

const defaultPageSize = 500;
/**
 * Three pages of a list may be in memory at once, the consumer's, one that waits, one that arrives; and a backup begins several lists
 * before their turn.
 */
const pageLimitBytes = 8 << 20;
/** No page can be smaller than one object. */
const objectLimitBytes = 64 << 20;

/** Enough for 500 objects of 2 KiB; what is larger has memory of its own. */
const memoryBytes = 1 << 20;
const mostSpare = 4;
/** Memory of pages that have been read: V8 goes through its whole heap for every 10 MiB that are taken anew, which a backup would have it do all the time. */
const spare: Buffer[] = [];

interface Position {
  readonly token: string;
  readonly size: number;
  /** The server forgot the number at which the list began; what follows is newer. */
  readonly inconsistent: boolean;
  /** The token is one that came with a 410: a server that refuses it too does not go on. */
  readonly isFresh: boolean;
}

interface Step {
  readonly page: Page;
  readonly next: Position | undefined;
  /** In which the page lies, or a part of it. */
  readonly memory: Buffer;
}

export async function* listPages(client: ApiClient, resource: ApiResource, options: ListOptions, signal: AbortSignal): AsyncIterable<Page> {
  const stop = new AbortController();
  const whole = AbortSignal.any([signal, stop.signal]);
  const fetch = (position: Position) => {
    const step = fetchPage(client, resource, options, position, whole);
    step.catch(() => {});
    return step;
  };
  try {
    let coming: Promise<Step> | undefined = fetch({
      token: options.start ?? '',
      size: options.limit ?? defaultPageSize,
      inconsistent: false,
      isFresh: false,
    });
    while (coming) {
      const { page, next, memory }: Step = await coming;
      coming = next && fetch(next);
      yield page;
      if (spare.length < mostSpare) spare.push(memory);
    }
  } finally {
    stop.abort(new Error('the list is not wanted any more'));
  }
}

/** Asks for less at a time when a page is too large, and takes the rest as it is now when the server forgot how it was. */
async function fetchPage(
  client: ApiClient,
  resource: ApiResource,
  options: ListOptions,
  start: Position,
  signal: AbortSignal,
): Promise<Step> {
  for (let position = start; ;) {
    const got = await askForPage(client, resource, options, position, signal);
    if ('page' in got) return got;
    position = got;
  }
}

/** A page, or the position to try instead. */
async function askForPage(
  client: ApiClient,
  resource: ApiResource,
  { namespace, labelSelector, fieldSelector }: ListOptions,
  position: Position,
  signal: AbortSignal,
): Promise<Step | Position> {
  const path = collectionPath(resource, namespace);
  const query = {
    limit: String(position.size),
    continue: position.token || undefined,
    labelSelector: labelSelector || undefined,
    fieldSelector,
  };
  try {
    const limitBytes = position.size === 1 ? objectLimitBytes : pageLimitBytes;
    const memory = spare.pop() ?? Buffer.allocUnsafeSlow(memoryBytes);
    const answer = await client.ask({ path, query, limitBytes, memory }, signal);
    const token = answer.status === 410 && !position.isFresh ? freshContinueToken(answer.body) : undefined;
    if (token) return { ...position, token, inconsistent: true, isFresh: true };
    if (answer.status !== 200) throw errorOf(`GET ${path}`, answer);
    return { ...stepOf(answer.body, position), memory };
  } catch (error) {
    if (!(error instanceof ResponseTooLarge)) throw error;
    if (position.size === 1) throw new ClusterError(0, '', `GET ${path}: one object: ${error.message}`, { cause: error });
    return { ...position, size: Math.ceil(position.size / 8) };
  }
}

function stepOf(body: Uint8Array, position: Position): Omit<Step, 'memory'> {
  const { items, resourceVersion, continue: token, remainingItemCount: remaining } = splitList(body);
  const page = {
    resourceVersion,
    items,
    start: position.token,
    next: token,
    ...(remaining !== undefined && { remaining }),
    ...(position.inconsistent && { inconsistent: true }),
  };
  return { page, next: token ? { ...position, token, isFresh: false } : undefined };
}
