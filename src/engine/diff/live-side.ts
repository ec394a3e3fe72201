/** The live cluster as the side that a backup is compared with: read as the user who asks. */
import { createHash } from 'node:crypto';
import type { ApiResource, Cluster, ClusterObject, Discovery } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { Backup } from '../../resources/backup.ts';
import type { ItemQuery } from '../../resources/services.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { compareKeys, keyOf } from '../archive/item-key.ts';
import { parseListed, typed } from '../backup/new-item.ts';
import type { ListedObject } from '../backup/new-item.ts';
import { objectOf } from '../restore/saved-items.ts';
import { groupIsExcluded } from '../selection/exclusions.ts';
import { isGlob } from '../selection/glob.ts';
import { namespaces } from '../selection/known.ts';
import type { ObjectSelection } from './selection.ts';
import { selectionOf } from './selection.ts';
import type { Entry, Gap, Page, Side } from './sides.ts';
import { gapOf } from './sides.ts';
import type { Place } from './token.ts';

export interface LiveParts {
  /** As Kylon itself sees it. */
  readonly discovery: Discovery;
  /** As the user. */
  readonly cluster: Cluster;
  readonly backup: Backup;
  readonly reader: ArchiveReader;
  /** Narrows what is read. */
  readonly query: ItemQuery;
  readonly warn: (text: string) => void;
}

/** Objects that are asked for by name at once. */
const readsAtOnce = 16;

export async function liveSide(parts: LiveParts, signal: AbortSignal): Promise<Side> {
  const { resources, failures } = parts.discovery;
  for (const { groupVersion, message } of failures)
    if (!groupIsExcluded(groupVersion)) parts.warn(`${groupVersion} is not compared, it was not discovered: ${message}`);
  const selection = selectionOf(parts.backup.spec, parts.backup.metadata.namespace ?? '', resources);
  const served = new Map(resources.map((resource) => [qualified(resource), resource]));
  const live = new Live(parts, selection, await newNamespaces(parts, selection, served, signal));
  return {
    resources: [...selection.chosen.keys()],
    pages: (key, from, signal) => {
      const resource = served.get(key);
      return resource ? live.pages(resource, from, signal) : notServed(key);
    },
  };
}

async function* notServed(key: string): AsyncIterable<Gap> {
  yield gapOf(`${key}/`, `${key} is not compared: the cluster does not serve it`);
}

/** The namespaces of the cluster that the selection means, as far as the user sees them. Names need not be looked up. */
async function newNamespaces(
  { cluster, backup, query, warn }: LiveParts,
  { takesNamespace }: ObjectSelection,
  served: ReadonlyMap<string, ApiResource>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const wanted = backup.spec.includedNamespaces ?? [];
  const resource = served.get(namespaces);
  const names = wanted.filter((name) => !isGlob(name));
  if (query.namespace || !resource || names.length === wanted.length) return names.filter(takesNamespace);
  try {
    for await (const { items } of cluster.list(resource, {}, signal)) names.push(...items.map((bytes) => parseListed(bytes).metadata.name));
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    warn(`what is new in namespaces of which the backup holds nothing is not compared: ${error.message}`);
  }
  return names.filter(takesNamespace);
}

class Live {
  readonly #parts: LiveParts;
  readonly #selection: ObjectSelection;
  readonly #namespaces: readonly string[];

  constructor(parts: LiveParts, selection: ObjectSelection, names: readonly string[]) {
    this.#parts = parts;
    this.#selection = selection;
    this.#namespaces = names;
  }

  async *pages(preferred: ApiResource, from: Place, signal: AbortSignal): AsyncIterable<Page | Gap> {
    const key = qualified(preferred);
    const resource = { ...preferred, ...(await this.#versionOf(key, signal)) };
    const isRelated = this.#selection.chosen.get(key)?.isRelated === true;
    if (isRelated) yield* this.#named(resource, from, signal);
    for (const namespace of isRelated ? [] : await this.#places(resource, signal)) {
      if (namespace !== '' && `${namespace}/` < `${from.namespace}/`) continue;
      yield* this.#listed(resource, namespace, namespace === from.namespace ? from.page : '', signal);
    }
  }

  /** That in which it was saved: in another one, the server would show other fields. */
  async #versionOf(key: string, signal: AbortSignal): Promise<{ readonly version?: string }> {
    for await (const [first] of this.#parts.reader.records(`${key}/`, '', signal)) return first ? { version: first.version } : {};
    return {};
  }

  /** The namespaces to list, in order; an empty one stands for the whole resource. */
  async #places(resource: ApiResource, signal: AbortSignal): Promise<readonly string[]> {
    const { namespace } = this.#parts.query;
    if (!resource.namespaced) return namespace ? [] : [''];
    if (namespace !== undefined) return namespace ? [namespace] : [];
    if (this.#parts.backup.spec.includedNamespaces?.includes('*')) return [''];
    const held = await this.#parts.reader.namespaces(qualified(resource), signal);
    return [...new Set([...this.#namespaces, ...held])].sort((a, b) => compareKeys(`${a}/`, `${b}/`));
  }

  async *#listed(resource: ApiResource, namespace: string, start: string, signal: AbortSignal): AsyncIterable<Page | Gap> {
    const { cluster } = this.#parts;
    try {
      for await (const { items, start: page, next } of cluster.list(resource, { start, ...(namespace && { namespace }) }, signal))
        yield { namespace, page, next, entries: items.map((bytes) => new ListedEntry(this.#selection, resource, bytes)) };
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      const key = qualified(resource);
      const prefix = namespace ? `${key}/namespaces/${namespace}/` : `${key}/`;
      yield gapOf(prefix, `${key}${namespace && ` of ${namespace}`} is not or not all compared: ${error.message}`);
    }
  }

  /** What belongs to what is in the backup is few, and who may not list it may often read it by name. */
  async *#named(resource: ApiResource, { after }: Place, signal: AbortSignal): AsyncIterable<Page | Gap> {
    if (this.#parts.query.namespace) return;
    const names = (await this.#namesOf(resource, signal)).filter((name) => keyOf({ ...resource, namespace: '', name }) > after);
    for (let at = 0; at < names.length; at += readsAtOnce) {
      const some = names.slice(at, at + readsAtOnce);
      const found = await Promise.all(some.map((name) => this.#read(resource, name, signal)));
      for (const one of found) yield one;
    }
  }

  async #namesOf(resource: ApiResource, signal: AbortSignal): Promise<readonly string[]> {
    const key = qualified(resource);
    const names = new Set(key === namespaces ? this.#namespaces : []);
    for await (const records of this.#parts.reader.records(`${key}/`, '', signal))
      for (const record of records) names.add(record.key.slice(`${key}/cluster/`.length));
    return [...names].sort(compareKeys);
  }

  async #read(resource: ApiResource, name: string, signal: AbortSignal): Promise<Page | Gap> {
    const key = keyOf({ ...resource, namespace: '', name });
    try {
      const object = await this.#parts.cluster.get(resource, '', name, signal);
      return { namespace: '', page: '', next: '', entries: object ? [new ReadEntry(this.#selection, resource, key, object)] : [] };
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      return { start: key, covers: (other) => other === key, why: `${qualified(resource)} ${name} is not compared: ${error.message}` };
    }
  }
}

/** As a list sent it: looked into only where it is not what was saved. */
class ListedEntry implements Entry {
  readonly #selection: ObjectSelection;
  readonly #resource: ApiResource;
  readonly #bytes: Uint8Array;
  #parsed: ListedObject | undefined;

  constructor(selection: ObjectSelection, resource: ApiResource, bytes: Uint8Array) {
    this.#selection = selection;
    this.#resource = resource;
    this.#bytes = bytes;
  }

  get key(): string {
    const { name, namespace = '' } = this.#object.metadata;
    return keyOf({ ...this.#resource, namespace, name });
  }

  get version(): string {
    return this.#resource.version;
  }

  get kind(): string {
    return this.#resource.kind;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#object.metadata.labels ?? {};
  }

  isBytes(sha256: string): boolean {
    return hashOf(this.#resource, this.#bytes) === sha256;
  }

  isSelected(): boolean {
    return this.#selection.chosen.has(qualified(this.#resource)) && this.#selection.takes(this.#resource, this.#object.metadata);
  }

  async read(): Promise<ClusterObject> {
    return objectOf(Buffer.concat(typed(this.#resource, this.#object, this.#bytes)));
  }

  get #object(): ListedObject {
    return (this.#parsed ??= parseListed(this.#bytes));
  }
}

/** How lists of built-in kinds begin an object: without apiVersion and kind. A wrong guess only costs a look into the object. */
const bare = Buffer.from('{"metadata"');

function hashOf(resource: ApiResource, bytes: Uint8Array): string {
  const isBare = bare.equals(bytes.subarray(0, bare.length));
  if (!isBare) return createHash('sha256').update(bytes).digest('hex');
  const { kind } = resource;
  const type = `${JSON.stringify({ apiVersion: groupVersion(resource), kind }).slice(0, -1)},`;
  return createHash('sha256').update(type).update(bytes.subarray(1)).digest('hex');
}

class ReadEntry implements Entry {
  readonly key: string;
  readonly version: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isBytes = () => false;
  readonly isSelected: () => boolean;
  readonly read: () => Promise<ClusterObject>;

  constructor({ takes }: ObjectSelection, resource: ApiResource, key: string, object: ClusterObject) {
    this.key = key;
    this.version = resource.version;
    this.kind = resource.kind;
    this.labels = (object.metadata['labels'] ?? {}) as Record<string, string>;
    this.isSelected = () => takes(resource, object.metadata);
    this.read = () => Promise.resolve(object);
  }
}
