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
import { referencesOf } from './owner-references.ts';

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

/** What becomes of one reference: it is put to who lives now, has to wait, or is left out. */
interface Resolved {
  readonly reference?: OwnerReference;
  readonly isEarly?: boolean;
  readonly dropped?: string;
}

/** Whoever goes by a name now. `hidden`: the creator of the restore may not read it. */
type Living = { readonly uid: string } | 'none' | 'hidden';

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
  readonly #living = new Cache<Living>(remembered);

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
    const resolved = await Promise.all(referencesOf(object).map((owner) => this.#resolveOne(item, owner, signal)));
    return {
      references: resolved.flatMap(({ reference }) => reference ?? []),
      isEarly: resolved.some(({ isEarly }) => isEarly),
      dropped: resolved.flatMap(({ dropped }) => dropped ?? []),
    };
  }

  async #resolveOne(item: ItemKey, owner: OwnerReference, signal: AbortSignal): Promise<Resolved> {
    const resource = this.#parts.served.ofKind(owner.apiVersion, owner.kind);
    if (!resource || (resource.namespaced && item.namespace === '')) return { dropped: droppedText(owner, 'neither restored nor there') };
    const saved = await this.#savedAs(resource, owner, item.namespace, signal);
    const isPending = saved === 'taken' && !this.#parts.done.has(qualified(resource));
    const { namespace, name } = this.#parts.targetOf(keyOf(resource, owner, item.namespace));
    const living = await this.#livingAt(resource, namespace, name, signal);
    if (living !== 'none' && living !== 'hidden' && (living.uid === owner.uid || saved !== 'unknown'))
      return { reference: { ...owner, name, uid: living.uid }, isEarly: isPending && this.#parts.mayRecreate };
    if (isPending) return { isEarly: true };
    return {
      dropped: droppedText(owner, living === 'hidden' ? 'not to be read by the creator of the restore' : 'neither restored nor there'),
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

  /** True as long as the restore is at the same resource. */
  #livingAt(resource: ApiResource, namespace: string, name: string, signal: AbortSignal): Promise<Living> {
    const turn = this.#parts.done.size;
    return this.#living.get(`${turn}/${qualified(resource)}/${namespace}/${name}`, async () => {
      try {
        const live = await this.#parts.cluster.get(resource, namespace, name, signal);
        const uid = live?.metadata['deletionTimestamp'] === undefined ? live?.metadata.uid : undefined;
        return uid === undefined ? 'none' : { uid };
      } catch (error) {
        if (error instanceof ClusterError && error.code === 403) return 'hidden';
        throw error;
      }
    });
  }
}

function keyOf({ group, resource, namespaced }: ApiResource, { name }: OwnerReference, namespace: string): ItemKey {
  return { group, resource, namespace: namespaced ? namespace : '', name };
}

function droppedText({ kind, name }: OwnerReference, why: string): string {
  return `its owner, ${kind} ${name}, is ${why}: the reference to it is left out`;
}
