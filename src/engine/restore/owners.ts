/**
 * Owner references of restored objects. What a controller makes again is left to it; a reference to an owner that is no more is
 * dropped, because the garbage collector would delete the object at once.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Item, ItemPage, ItemQuery } from '../../resources/services.ts';
import { Cache } from '../cache.ts';
import { claims } from '../selection/known.ts';
import type { ServedResources } from './served-resources.ts';

export interface OwnerParts {
  /** As the creator of the restore. */
  readonly cluster: Cluster;
  readonly served: ServedResources;
  /** What the backup holds. */
  readonly items: (query: ItemQuery, signal: AbortSignal) => Promise<ItemPage>;
  readonly takes: (item: Item) => boolean;
}

/** Neighbours have the same owner, so a short memory does. */
const remembered = 1_000;
/** Claims of a StatefulSet have it as their controller, which would make them anew: empty. */
const neverMadeAgain = new Set([claims]);

export class Owners {
  readonly #parts: OwnerParts;
  readonly #inRestore = new Cache<boolean>(remembered);
  readonly #alive = new Cache<boolean>(remembered);

  constructor(parts: OwnerParts) {
    this.#parts = parts;
  }

  /** The controller that comes back with this restore and makes the object again, or undefined. */
  async controllerIn(item: Item, object: ClusterObject, signal: AbortSignal): Promise<OwnerReference | undefined> {
    const controller = referencesOf(object).find((owner) => owner.controller);
    if (!controller || neverMadeAgain.has(qualified(item))) return undefined;
    const back = await this.#inRestore.get(controller.uid, () => this.#isInRestore(controller, item.namespace, signal));
    return back ? controller : undefined;
  }

  /** The references whose owners live, for an object that goes to `namespace`. */
  async living(object: ClusterObject, namespace: string, signal: AbortSignal): Promise<OwnerReference[]> {
    const references = referencesOf(object);
    const alive = await Promise.all(
      references.map((owner) => this.#alive.get(`${namespace}/${owner.uid}`, () => this.#isAlive(owner, namespace, signal))),
    );
    return references.filter((_, index) => alive[index]);
  }

  async #isInRestore(owner: OwnerReference, namespace: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#parts.served.ofKind(owner.apiVersion, owner.kind);
    if (!resource) return false;
    const place = { group: resource.group, resource: resource.resource, namespace: resource.namespaced ? namespace : '', name: owner.name };
    const { items } = await this.#parts.items({ ...place, limit: 1, continue: '', labelSelector: '' }, signal);
    return items.some((item) => item.uid === owner.uid && this.#parts.takes(item));
  }

  async #isAlive(owner: OwnerReference, namespace: string, signal: AbortSignal): Promise<boolean> {
    const resource = this.#parts.served.ofKind(owner.apiVersion, owner.kind);
    if (!resource) return false;
    try {
      const live = await this.#parts.cluster.get(resource, resource.namespaced ? namespace : '', owner.name, signal);
      return live?.metadata.uid === owner.uid;
    } catch (error) {
      if (error instanceof ClusterError && error.code === 403) return false;
      throw error;
    }
  }
}

function referencesOf({ metadata }: ClusterObject): OwnerReference[] {
  return Array.isArray(metadata['ownerReferences']) ? (metadata['ownerReferences'] as OwnerReference[]) : [];
}
