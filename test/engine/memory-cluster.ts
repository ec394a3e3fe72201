/**
 * A cluster in memory with the manners of a real one: resourceVersions, 404 and 409, namespaces that have to exist, definitions
 * that are served when they are there, dry runs that change nothing. Who may do what is a function of the test.
 */
import { systemClock } from '../../src/base/clock.ts';
import { textExactly } from '../../src/base/exact-json.ts';
import { ClusterError } from '../../src/cluster/cluster.ts';
import type { ApiResource, Cluster, ClusterObject, ClusterUser, Discovery, ObjectChange, Page } from '../../src/cluster/cluster.ts';
import { mergePatch } from '../../src/machinery/input/merge-patch.ts';

type Verb = 'identify' | 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete';

/** What somebody does, for a test that refuses it or makes it fail: it throws. */
export interface Request {
  readonly user: string;
  readonly verb: Verb;
  /** `plural.group`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

const everything = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

export function apiResource(given: Partial<ApiResource> & Pick<ApiResource, 'resource' | 'kind'>): ApiResource {
  return {
    group: '',
    version: 'v1',
    singular: given.kind.toLowerCase(),
    shortNames: [],
    namespaced: true,
    verbs: everything,
    ...given,
  };
}

export const builtin: readonly ApiResource[] = [
  apiResource({ resource: 'namespaces', kind: 'Namespace', shortNames: ['ns'], namespaced: false }),
  apiResource({ resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] }),
  apiResource({ resource: 'secrets', kind: 'Secret' }),
  apiResource({ resource: 'services', kind: 'Service', shortNames: ['svc'] }),
  apiResource({ resource: 'pods', kind: 'Pod', shortNames: ['po'] }),
  apiResource({ resource: 'events', kind: 'Event' }),
  apiResource({ resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', shortNames: ['pvc'] }),
  apiResource({ resource: 'persistentvolumes', kind: 'PersistentVolume', shortNames: ['pv'], namespaced: false }),
  apiResource({ resource: 'bindings', kind: 'Binding', verbs: ['create'] }),
  apiResource({ group: 'apps', resource: 'deployments', kind: 'Deployment', shortNames: ['deploy'] }),
  apiResource({ group: 'apps', resource: 'replicasets', kind: 'ReplicaSet', shortNames: ['rs'] }),
  apiResource({ group: 'rbac.authorization.k8s.io', resource: 'clusterroles', kind: 'ClusterRole', namespaced: false }),
  apiResource({
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    shortNames: ['crd'],
    namespaced: false,
  }),
];

const keyOf = ({ group, resource }: ApiResource) => (group ? `${resource}.${group}` : resource);
const versionOf = ({ group, version }: ApiResource) => (group ? `${group}/${version}` : version);
const refuse = (code: number, reason: string, message: string) => new ClusterError(code, reason, message);

const established = { conditions: [{ type: 'Established', status: 'True' }] };

interface Definition {
  readonly group: string;
  readonly names: { readonly plural: string; readonly kind: string };
  readonly scope?: string;
  /** The one that is served; v1 where left out. */
  readonly version?: string;
}

interface State {
  readonly objects: Map<string, ClusterObject>;
  /** By namespace and name of the Pod. */
  readonly logs: Map<string, string>;
  /** What runs in every container. */
  execute: Cluster['exec'];
  rv: number;
  uid: number;
}

const nothingRuns: Cluster['exec'] = ({ pod }) => Promise.reject(refuse(404, 'NotFound', `pods "${pod}" not found`));

export class MemoryCluster implements Cluster {
  readonly #state: State;
  readonly #user: string;
  readonly #rules: { check: (request: Request) => void | Promise<void> };
  failures: Discovery['failures'] = [];

  constructor(from?: { state: State; user: string; rules: { check: (request: Request) => void | Promise<void> } }) {
    this.#state = from?.state ?? { objects: new Map(), logs: new Map(), execute: nothingRuns, rv: 1, uid: 1 };
    this.#user = from?.user ?? 'kylon';
    this.#rules = from?.rules ?? { check: () => {} };
  }

  /** Called before everything that is done; throws to refuse it. */
  set check(check: (request: Request) => void | Promise<void>) {
    this.#rules.check = check;
  }

  /** Puts an object there as it is, as if it had always been. */
  seed(
    key: string,
    object: { metadata: { name: string; namespace?: string; [field: string]: unknown }; [field: string]: unknown },
  ): ClusterObject {
    const resource = this.#resource(key);
    const full = this.#stamped(
      { apiVersion: versionOf(resource), kind: resource.kind, ...object },
      object.metadata['uid'] as string | undefined,
    );
    this.#state.objects.set(this.#id(resource, object.metadata.namespace ?? '', object.metadata.name), full);
    return full;
  }

  read(key: string, namespace: string, name: string): ClusterObject | undefined {
    return this.#state.objects.get(`${key}/${namespace}/${name}`);
  }

  names(key: string, namespace = ''): string[] {
    const prefix = `${key}/${namespace}/`;
    return [...this.#state.objects.keys()]
      .filter((id) => id.startsWith(prefix))
      .map((id) => id.slice(prefix.length))
      .sort();
  }

  /** Removes a namespace and all that is in it, at once. */
  dropNamespace(name: string): void {
    for (const id of this.#state.objects.keys())
      if (id.split('/')[1] === name || id === `namespaces//${name}`) this.#state.objects.delete(id);
  }

  drop(key: string, namespace: string, name: string): void {
    this.#state.objects.delete(`${key}/${namespace}/${name}`);
  }

  async identity() {
    await this.#rules.check({ user: this.#user, verb: 'identify', resource: '', namespace: '', name: '' });
    return { uid: 'cluster-uid', version: 'v1.36.0' };
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ resources: [...builtin, ...this.#custom()], failures: this.failures });
  }

  async *list(
    resource: ApiResource,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string; limit?: number; start?: string },
  ): AsyncIterable<Page> {
    await this.#ask('list', resource, options.namespace ?? '', '');
    const prefix = options.namespace === undefined ? `${keyOf(resource)}/` : `${keyOf(resource)}/${options.namespace}/`;
    const ids = [...this.#state.objects.keys()].filter((id) => id.startsWith(prefix)).sort();
    const { labelSelector = '', fieldSelector = '' } = options;
    const objects = ids.map((id) => this.#state.objects.get(id)!);
    const found = objects.filter((object) => hasLabels(object, labelSelector) && hasFields(object, fieldSelector));
    const size = options.limit ?? 500;
    const start = Number(options.start || 0);
    for (let at = start; at === start || at < found.length; at += size) {
      const items = found.slice(at, at + size).map((object) => bytesOf(resource, object));
      yield {
        resourceVersion: String(this.#state.rv),
        start: at === 0 ? '' : String(at),
        next: at + size < found.length ? String(at + size) : '',
        ...(!labelSelector && !fieldSelector && at + size < found.length && { remaining: found.length - at - size }),
        items,
      };
      for (const item of items) item.fill(0);
    }
  }

  /** Looks from time to time at what there is. */
  async *follow(resource: ApiResource, signal: AbortSignal): AsyncIterable<ObjectChange> {
    const told = new Map<string, ClusterObject>();
    const prefix = `${keyOf(resource)}/`;
    while (!signal.aborted) {
      for (const [id, object] of this.#state.objects)
        if (id.startsWith(prefix) && told.get(id) !== object) {
          yield { type: told.has(id) ? 'MODIFIED' : 'ADDED', object: structuredClone(object) };
          told.set(id, object);
        }
      for (const [id, object] of told)
        if (!this.#state.objects.has(id)) {
          told.delete(id);
          yield { type: 'DELETED', object };
        }
      await systemClock.sleep(5, signal).catch(() => {});
    }
  }

  async get(resource: ApiResource, namespace: string, name: string): Promise<ClusterObject | undefined> {
    await this.#rules.check({ user: this.#user, verb: 'get', resource: keyOf(resource), namespace, name });
    const found = this.#find(keyOf(resource)) && this.#state.objects.get(this.#id(resource, namespace, name));
    return found && structuredClone(found);
  }

  async create(resource: ApiResource, namespace: string, object: ClusterObject, options: { dryRun?: boolean }): Promise<ClusterObject> {
    const { name } = object.metadata;
    await this.#ask('create', resource, namespace, name);
    if (resource.namespaced && !this.read('namespaces', '', namespace))
      throw refuse(404, 'NotFound', `namespaces "${namespace}" not found`);
    const id = this.#id(resource, namespace, name);
    if (this.#state.objects.has(id)) throw refuse(409, 'AlreadyExists', `${keyOf(resource)} "${name}" already exists`);
    if (object.metadata.uid || object.metadata.resourceVersion)
      throw refuse(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
    const made = this.#stamped(resource.resource === 'customresourcedefinitions' ? { ...object, status: established } : object);
    if (!options.dryRun) this.#state.objects.set(id, made);
    return structuredClone(made);
  }

  async update(resource: ApiResource, namespace: string, object: ClusterObject, options: { dryRun?: boolean }): Promise<ClusterObject> {
    const { name } = object.metadata;
    await this.#ask('update', resource, namespace, name);
    const live = this.#live(resource, namespace, name);
    if (object.metadata.resourceVersion !== live.metadata.resourceVersion)
      throw refuse(409, 'Conflict', `${name}: the object has been modified`);
    const next = this.#stamped({ ...object, metadata: { ...object.metadata } }, live.metadata.uid);
    if (!options.dryRun) this.#state.objects.set(this.#id(resource, namespace, name), next);
    return structuredClone(next);
  }

  async patch(
    resource: ApiResource,
    namespace: string,
    name: string,
    patch: object,
    options: { dryRun?: boolean },
  ): Promise<ClusterObject> {
    await this.#ask('patch', resource, namespace, name);
    const live = this.#live(resource, namespace, name);
    const merged = mergePatch(live, patch) as ClusterObject;
    if (merged.metadata.resourceVersion !== live.metadata.resourceVersion)
      throw refuse(409, 'Conflict', `${name}: the object has been modified`);
    const next = this.#stamped(merged, live.metadata.uid);
    if (!options.dryRun) this.#state.objects.set(this.#id(resource, namespace, name), next);
    return structuredClone(next);
  }

  async delete(resource: ApiResource, namespace: string, name: string, options: { dryRun?: boolean; uid?: string }): Promise<void> {
    await this.#ask('delete', resource, namespace, name);
    const live = this.#live(resource, namespace, name);
    if (options.uid && options.uid !== live.metadata.uid) throw refuse(409, 'Conflict', `${name}: another uid`);
    if (!options.dryRun) this.#state.objects.delete(this.#id(resource, namespace, name));
  }

  /** Stands for what runs a program in a container. */
  set execute(execute: Cluster['exec']) {
    this.#state.execute = execute;
  }

  async exec(...[target, streams, signal]: Parameters<Cluster['exec']>): Promise<number> {
    const { namespace, pod: name } = target;
    await this.#rules.check({ user: this.#user, verb: 'create', resource: 'pods/exec', namespace, name });
    return this.#state.execute(target, streams, signal);
  }

  /** What a Pod is to have written, by namespace and name. */
  write(pod: string, text: string): void {
    this.#state.logs.set(pod, text);
  }

  async log(namespace: string, pod: string): Promise<string> {
    await this.#rules.check({ user: this.#user, verb: 'get', resource: 'pods/log', namespace, name: pod });
    return this.#state.logs.get(`${namespace}/${pod}`) ?? '';
  }

  as(user: ClusterUser): Cluster {
    return new MemoryCluster({ state: this.#state, user: user.name, rules: this.#rules });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #ask(verb: Verb, resource: ApiResource, namespace: string, name: string): Promise<void> {
    await this.#rules.check({ user: this.#user, verb, resource: keyOf(resource), namespace, name });
    if (!this.#find(keyOf(resource))) throw refuse(404, 'NotFound', 'the server could not find the requested resource');
  }

  #live(resource: ApiResource, namespace: string, name: string): ClusterObject {
    const live = this.#state.objects.get(this.#id(resource, namespace, name));
    if (!live) throw refuse(404, 'NotFound', `${keyOf(resource)} "${name}" not found`);
    return live;
  }

  #stamped(object: ClusterObject, uid?: string): ClusterObject {
    const metadata = { ...object.metadata, uid: uid ?? `uid-${this.#state.uid++}`, resourceVersion: String(++this.#state.rv) };
    return structuredClone({ ...object, metadata: { ...metadata, creationTimestamp: '2026-01-01T00:00:00Z' } });
  }

  #id(resource: ApiResource, namespace: string, name: string): string {
    return `${keyOf(resource)}/${resource.namespaced ? namespace : ''}/${name}`;
  }

  #resource(key: string): ApiResource {
    const found = this.#find(key);
    if (!found) throw new Error(`no resource ${key}`);
    return found;
  }

  #find(key: string): ApiResource | undefined {
    return [...builtin, ...this.#custom()].find((resource) => keyOf(resource) === key);
  }

  /** What the definitions define. */
  #custom(): ApiResource[] {
    const ids = [...this.#state.objects.keys()].filter((id) => id.startsWith('customresourcedefinitions.'));
    return ids.map((id) => {
      const { group, names, scope, version = 'v1' } = this.#state.objects.get(id)!['spec'] as Definition;
      return apiResource({ group, resource: names.plural, kind: names.kind, version, namespaced: scope !== 'Cluster' });
    });
  }
}

/** As in a list: built-in kinds leave out apiVersion and kind. */
function bytesOf(resource: ApiResource, object: ClusterObject): Uint8Array {
  const { apiVersion, kind, ...rest } = object;
  const isBuiltin = builtin.some((known) => keyOf(known) === keyOf(resource));
  return Buffer.from(textExactly(isBuiltin ? rest : { apiVersion, kind, ...rest }));
}

/** Of selectors only `key in (value)`, which is what the engine sends for matchLabels. */
function hasLabels({ metadata }: ClusterObject, selector: string): boolean {
  const labels = (metadata['labels'] ?? {}) as Record<string, string>;
  return selector.split(',').every((part) => {
    const [, key = part, value] = /^(\S+) in \((.*)\)$/.exec(part) ?? [];
    return part === '' || (value === undefined ? labels[key] !== undefined : labels[key] === value);
  });
}

function hasFields(object: ClusterObject, selector: string): boolean {
  return selector.split(',').every((part) => {
    const [path = '', value] = part.split('=');
    const found = path.split('.').reduce<unknown>((at, field) => (at as Record<string, unknown> | undefined)?.[field], object);
    return part === '' || found === value;
  });
}
