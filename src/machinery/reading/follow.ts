/** A watch that never loses its place: when history is gone it lists again and tells what has changed since. */
import type { Api } from '../api.ts';
import { decode } from '../encode.ts';
import { groupResource, resourceKey } from '../keys.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resource.ts';
import { toApiError } from '../storage-errors.ts';
import { StorageExpired, StorageUnavailable } from '../storage.ts';
import type { ObjectKey, Stored, StoredEvent } from '../storage.ts';

export interface Followed {
  readonly type: StoredEvent['type'];
  readonly object: KubeObject;
}

/** Milliseconds before a store that was not available is asked again. */
const pause = 1000;

/** Ends when the signal aborts. */
export async function* followObjects(api: Api, definition: ResourceDefinition, signal: AbortSignal): AsyncGenerator<Followed> {
  const known = new Map<string, Stored>();
  while (!signal.aborted) {
    try {
      yield* untilLost(api, definition, known, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof StorageUnavailable) await api.clock.sleep(pause, signal);
      else if (!(error instanceof StorageExpired)) throw toApiError(error, groupResource(definition), '');
    }
  }
}

async function* untilLost(
  api: Api,
  definition: ResourceDefinition,
  known: Map<string, Stored>,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const resource = resourceKey(definition);
  const page = await api.storage.list({ resource, at: 'latest' }, signal);
  const missed = new Map(known);
  for await (const items of page.items) {
    for (const stored of items) {
      const id = idOf(stored.key);
      missed.delete(id);
      const before = known.get(id);
      known.set(id, stored);
      if (before?.rv !== stored.rv) yield { type: before ? 'MODIFIED' : 'ADDED', object: decode(stored) };
    }
  }
  for (const [id, stored] of missed) {
    known.delete(id);
    yield { type: 'DELETED', object: decode(stored) };
  }
  for await (const events of api.storage.watch({ resource, since: page.rv }, signal)) {
    for (const { type, key, json, rv } of events) {
      if (type === 'DELETED') known.delete(idOf(key));
      else known.set(idOf(key), { key, json, rv });
      yield { type, object: decode({ json, rv }) };
    }
  }
}

const idOf = ({ namespace, name }: ObjectKey) => `${namespace}/${name}`;
