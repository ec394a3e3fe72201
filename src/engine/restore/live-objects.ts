/**
 * What goes by the names of a restore's items already. A list tells it many times faster than a create that is refused and a read of
 * each, so the namespace that items go to is listed beside them, unless they are few.
 */
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { compareKeys } from '../archive/item-key.ts';
import type { Restoration } from './restoration.ts';
import type { Entry } from './saved-items.ts';
import { objectOf } from './saved-items.ts';

export interface LiveEntry extends Entry {
  /** As it was a moment ago; undefined where it was not there, or that is not known. */
  readonly live: ClusterObject | undefined;
}

/** Items of one namespace that are not worth a list. */
const few = 16;

/** `entries` are of the resource `key` and in the order of the archive. */
export async function* withLive(
  { cluster, served, targetOf, work }: Pick<Restoration, 'cluster' | 'served' | 'targetOf' | 'work'>,
  key: string,
  entries: AsyncIterable<Entry>,
): AsyncIterable<LiveEntry> {
  let place: { readonly version: string; readonly namespace: string; readonly objects: InOrder } | undefined;
  try {
    for await (const entry of entries) {
      const { version } = entry.item;
      const { namespace, name } = targetOf(entry.item);
      if (place?.version !== version || place.namespace !== namespace) {
        await place?.objects.close();
        const resource = served.find(key);
        const objects = listed(cluster, resource && { ...resource, version }, namespace, work.signal);
        place = { version, namespace, objects: new InOrder(objects) };
      }
      yield { ...entry, live: await place.objects.find(name) };
    }
  } finally {
    await place?.objects.close();
  }
}

/** As the server sends them, which is by name. Who may not list them finds none, and there are none of what is not served. */
async function* listed(
  cluster: Cluster,
  resource: ApiResource | undefined,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<ClusterObject> {
  if (!resource) return;
  const type = { apiVersion: groupVersion(resource), kind: resource.kind };
  try {
    for await (const { items } of cluster.list(resource, namespace ? { namespace } : {}, signal))
      for (const bytes of items) yield { ...type, ...objectOf(bytes) };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
  }
}

/** Objects by name, for who asks for them in that order; who does not may miss some. */
class InOrder {
  readonly #objects: AsyncGenerator<ClusterObject>;
  #asked = 0;
  /** The first that was not passed yet. */
  #next: ClusterObject | undefined;
  #isOver = false;

  /** Nothing is asked for before it is worth it. */
  constructor(objects: AsyncGenerator<ClusterObject>) {
    this.#objects = objects;
  }

  async find(name: string): Promise<ClusterObject | undefined> {
    this.#asked += 1;
    if (this.#asked <= few) return undefined;
    while (!this.#isOver && (!this.#next || compareKeys(this.#next.metadata.name, name) < 0)) {
      const { value, done } = await this.#objects.next();
      this.#next = done ? undefined : value;
      this.#isOver = done === true;
    }
    return this.#next?.metadata.name === name ? this.#next : undefined;
  }

  async close(): Promise<void> {
    await this.#objects.return(undefined);
  }
}
