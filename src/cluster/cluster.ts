/**
 * The Kubernetes cluster whose objects Kylon saves and brings back. kubernetes.ts implements it over HTTP.
 * Everything rejects with ClusterError, or with the signal's reason.
 */
export interface Cluster {
  /** uid of the namespace kube-system, which names the cluster for ever, and the server's version (`v1.36.3`). */
  identity(signal: AbortSignal): Promise<ClusterIdentity>;
  /** Every resource there is, in its preferred version. A group that does not answer costs only its own resources. */
  discover(signal: AbortSignal): Promise<Discovery>;
  /** The whole resource, or a namespace of it, page by page, each item as the bytes that the server sent. */
  list(resource: ApiResource, options: ListOptions, signal: AbortSignal): AsyncIterable<Page>;
  /**
   * Every object of the resource in all namespaces, then every change, until the server ends that, which it does every few minutes: then
   * call it again.
   */
  follow(resource: ApiResource, signal: AbortSignal): AsyncIterable<ObjectChange>;
  get(resource: ApiResource, namespace: string, name: string, signal: AbortSignal): Promise<ClusterObject | undefined>;
  create(
    resource: ApiResource,
    namespace: string,
    object: ClusterObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<ClusterObject>;
  /** Replaces; the object carries the resourceVersion that it replaces. */
  update(
    resource: ApiResource,
    namespace: string,
    object: ClusterObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<ClusterObject>;
  /** JSON merge patch (RFC 7386), of the object or of a subresource of it. */
  patch(
    resource: ApiResource,
    namespace: string,
    name: string,
    patch: object,
    options: WriteOptions & { subresource?: string },
    signal: AbortSignal,
  ): Promise<ClusterObject>;
  delete(
    resource: ApiResource,
    namespace: string,
    name: string,
    options: WriteOptions & { uid?: string; propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' },
    signal: AbortSignal,
  ): Promise<void>;
  /** The last lines that the only container of a Pod has written. */
  log(namespace: string, pod: string, lines: number, signal: AbortSignal): Promise<string>;
  /**
   * Runs a program in a container of a Pod, and resolves to its exit code when it has ended and all that it wrote was taken. A connection that is
   * cut before that rejects with code 0. Input needs Kubernetes 1.30 or newer, which can be told that it ends.
   */
  exec(target: ExecTarget, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  /** The same cluster, asked as somebody else, by impersonation: what they may not, this may not. */
  as(user: ClusterUser): Cluster;
  close(): Promise<void>;
}

interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The program and what it is given, as they are: no shell reads them. */
  readonly command: readonly string[];
}

export interface ExecStreams {
  /** What the program reads; left out, it has no input. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** What a program that reads nothing else waits for, once it is known; the end of its input is not told to it. */
  readonly reply?: Promise<Uint8Array>;
  /** Takes what it writes; no more comes before this has resolved. */
  readonly output: (piece: Uint8Array) => Promise<void>;
  /** Takes what it complains of. */
  readonly errors: (piece: Uint8Array) => void;
}

export interface ClusterIdentity {
  readonly uid: string;
  readonly version: string;
}

export interface Discovery {
  readonly resources: readonly ApiResource[];
  readonly failures: readonly { readonly groupVersion: string; readonly message: string }[];
}

export interface ApiResource {
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

export interface ListOptions {
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects a page, 500 where left out. */
  readonly limit?: number;
  /** Page.start of the page with which to begin: the first one where left out. */
  readonly start?: string;
}

export interface Page {
  /** At which the whole list is true. */
  readonly resourceVersion: string;
  /**
   * Each one JSON object, byte for byte as sent; built-in kinds leave out apiVersion and kind in lists. They may be read until the next page
   * is asked for: then their memory is used again.
   */
  readonly items: readonly Uint8Array[];
  /** Begins a list with this page; empty for the first one. The server forgets it after some minutes and then goes on with a later state. */
  readonly start: string;
  /** The start of the page behind it; empty on the last one. */
  readonly next: string;
  /** Objects behind this page, where the server counts them: not where a selector chooses. */
  readonly remaining?: number;
  /** True where the server forgot the number at which the list began: this page and those behind it show a later state. */
  readonly inconsistent?: boolean;
}

export interface ObjectChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** As a list has it: built-in kinds may leave out apiVersion and kind. */
  readonly object: ClusterObject;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
}

export interface ClusterObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface ClusterUser {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What the server said no to, in its own words. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  /** HTTP status; 0 where no answer came. */
  readonly code: number;
  /** Of the Status: AlreadyExists, Forbidden …; empty where no answer came. */
  readonly reason: string;
  /** Seconds to wait before trying again, where the server said so. */
  readonly retryAfter: number | undefined;
  constructor(code: number, reason: string, message: string, options: { retryAfter?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = reason;
    this.retryAfter = options.retryAfter;
  }
}
