/** The API for callers inside this process: the same rules as over HTTP, without a request. */
import type { KubeObject } from './object.ts';
import type { ResourceDefinition } from './resource.ts';
import type { User } from './user.ts';

/** Rejects with ApiError, as the verbs do. Acts as Kylon itself unless a user is given. */
export interface Objects {
  get(definition: ResourceDefinition, namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** All of them, or those that are asked for. */
  list(definition: ResourceDefinition, options: ListedBy, signal: AbortSignal): Promise<KubeObject[]>;
  /** All of them as of one moment, not before the call, however many there are. */
  each(definition: ResourceDefinition, signal: AbortSignal): AsyncIterable<KubeObject>;
  create(
    definition: ResourceDefinition,
    object: KubeObject,
    user: User,
    options: { dryRun: boolean },
    signal: AbortSignal,
  ): Promise<KubeObject>;
  /**
   * Reads, changes, writes; again from the start when somebody else was faster, up to 5 times. `change` may return its
   * argument to say that there is nothing to do. Resolves to undefined when the object is gone, or another (`uid`) goes by its name.
   */
  update(
    definition: ResourceDefinition,
    target: ObjectRef,
    part: 'object' | 'status',
    change: (object: KubeObject) => KubeObject,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined>;
  delete(definition: ResourceDefinition, target: ObjectRef, signal: AbortSignal): Promise<void>;
  /** By how many objects this one is used, in words; undefined where by none. */
  usersOf(definition: ResourceDefinition, object: KubeObject, signal: AbortSignal): Promise<string | undefined>;
  /** First every object there is as ADDED, then every change, for ever; lists again by itself when history is gone. */
  watch(
    definition: ResourceDefinition,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }>;
}

export interface ListedBy {
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
