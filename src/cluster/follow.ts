/** What there is of a resource, and then what becomes of it. */
import type { Clock } from '../base/clock.ts';
import { parseExactly } from '../base/exact-json.ts';
import type { ApiClient } from './client.ts';
import type { ApiResource, ClusterObject, ObjectChange } from './cluster.ts';
import { listPages } from './list.ts';
import { collectionPath } from './paths.ts';
import { watchSince } from './watch.ts';

export async function* follow(client: ApiClient, resource: ApiResource, clock: Clock, signal: AbortSignal): AsyncIterable<ObjectChange> {
  let since = '';
  for await (const { items, resourceVersion } of listPages(client, resource, {}, signal)) {
    since = resourceVersion;
    for (const item of items) yield { type: 'ADDED', object: parseExactly(Buffer.from(item).toString()) as ClusterObject };
  }
  for await (const event of watchSince(client, { path: collectionPath(resource, undefined) }, since, clock, signal))
    yield event as ObjectChange;
}
