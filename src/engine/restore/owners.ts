/**
 * Owner references of restored objects. Owners come back with new uids, so references are put to those who live now. What a controller
 * makes again is left to it; a reference to an owner that is no more is dropped, because the garbage collector would delete the
 * object at once.
 */
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Item, ItemKey, ItemPage, ItemQuery } from '../../resources/services.ts';
import { Cache } from '../cache.ts';
import type { ServedResources } from './served-resources.ts';
import { referencesOf } from './three-way.ts';

export interface OwnerParts {
  /** As the creator of the restore. */
  readonly cluster: Cluster;
  readonly served: ServedResources;
  /** What the backup holds. */
  readonly items: (query: ItemQuery, signal: AbortSignal) => Promise<ItemPage>;
  readonly takes: (item: Item) => boolean;
  /** What it is called where it goes. */
  readonly targetOf: (key: ItemKey) => ItemKey;
  /** Of what is restored: the resources, by `plural.group`, that are done. */
  readonly done: ReadonlySet<string>;
  /** Whether objects that are there may be deleted and made anew. */
  readonly mayRecreate: boolean;
}

export interface Owned {
  /** To owners that live, by their uids of now. */
  readonly references: readonly OwnerReference[];
  /** An owner has yet to come, or may get another uid: this has to be asked again when it is done. */
  readonly isEarly: boolean;
  /** Why which references are left out; for people. */
  readonly dropped: readonly string[];
}

/** Neighbours have the same owner, so a short memory does. */
const remembered = 1_000;

/** Of which a controller makes new ones by itself, from what its own object says. Everything else may hold what nobody can make again. */
export const madeAgain: ReadonlySet<string> = new Set([
  'pods',
  'replicasets.apps',
  'controllerrevisions.apps',
  'replicationcontrollers',
  'jobs.batch',
  'endpoints',
  'endpointslices.discovery.k8s.io',
]);

/** What the backup knows of an owner: it holds another object of that name or none, it holds it, or this restore takes it. */
type Saved = 'unknown' | 'held' | 'taken';

export class Owners {
  readonly #parts: OwnerParts;
  readonly #saved = new Cache<Saved>(remembered);
  readonly #uids = new Cache<string | undefined>(remembered);

  constructor(parts: OwnerParts) {
    this.#parts = parts;
  }

  /** The controller that comes back with this restore and makes the object again, or undefined. */
  async controllerIn(item: Item, object: ClusterObject, signal: AbortSignal): Promise<OwnerReference | undefined> {
    const controller = referencesOf(object).find((owner) => owner.controller);
    if (!controller || !madeAgain.has(qualified(item))) return undefined;
    const resource = this.#parts.served.ofKind(controller.apiVersion, controller.kind);
    return resource && (await this.#savedAs(resource, controller, item.namespace, signal)) === 'taken' ? controller : undefined;
  }

  /** Where the references of a saved object lead now. */
  async resolve(item: ItemKey, object: ClusterObject, signal: AbortSignal): Promise<Owned> {
    const found = await Promise.all(referencesOf(object).map((owner) => this.#resolveOne(item, owner, signal)));
    return {
      references: found.flatMap(({ reference }) => (reference ? [reference] : [])),
      isEarly: found.some(({ isEarly }) => isEarly),
      dropped: found.flatMap(({ reference, isEarly }, index) => (reference || isEarly ? [] : [messageOf(referencesOf(object)[index])])),
    };
  }

  async #resolveOne(item: ItemKey, owner: OwnerReference, signal: AbortSignal): Promise<{ reference?: OwnerReference; isEarly: boolean }> {
    const resource = this.#parts.served.ofKind(owner.apiVersion, owner.kind);
    if (!resource || (resource.namespaced && item.namespace === '')) return { isEarly: false };
    const saved = await this.#savedAs(resource, owner, item.namespace, signal);
    const isPending = saved === 'taken' && !this.#parts.done.has(qualified(resource));
    const { namespace, name } = this.#parts.targetOf(keyOf(resource, owner, item.namespace));
    const uid = await this.#livingUid(resource, namespace, name, signal);
    const isSame = uid !== undefined && (uid === owner.uid || saved !== 'unknown');
    return {
      ...(isSame && { reference: { ...owner, name, uid } }),
      isEarly: isPending && (!isSame || this.#parts.mayRecreate),
    };
  }

  #savedAs(resource: ApiResource, owner: OwnerReference, namespace: string, signal: AbortSignal): Promise<Saved> {
    return this.#saved.get(`${owner.uid}/${owner.name}`, async () => {
      const query = { ...keyOf(resource, owner, namespace), limit: 1, continue: '', labelSelector: '' };
      const { items } = await this.#parts.items(query, signal);
      const item = items.find(({ uid }) => uid === owner.uid);
      if (!item) return 'unknown';
      return this.#parts.takes(item) ? 'taken' : 'held';
    });
  }

  /** Whatever goes by that name now; true as long as the restore is at the same resource. */
  #livingUid(resource: ApiResource, namespace: string, name: string, signal: AbortSignal): Promise<string | undefined> {
    const turn = this.#parts.done.size;
    return this.#uids.get(`${turn}/${qualified(resource)}/${namespace}/${name}`, async () => {
      try {
        const live = await this.#parts.cluster.get(resource, namespace, name, signal);
        return live?.metadata['deletionTimestamp'] === undefined ? live?.metadata.uid : undefined;
      } catch (error) {
        if (error instanceof ClusterError && error.code === 403) return undefined;
        throw error;
      }
    });
  }
}

function keyOf({ group, resource, namespaced }: ApiResource, { name }: OwnerReference, namespace: string): ItemKey {
  return { group, resource, namespace: namespaced ? namespace : '', name };
}

function messageOf(owner: OwnerReference | undefined): string {
  return `its owner, ${owner?.kind} ${owner?.name}, is neither restored nor there: the reference to it is left out`;
}
