/** An engine with real parts around it (the machinery, the kinds, a store) and a cluster, for the tests. */
import { expect, vi } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { createStreams } from '../../src/engine/copy/share.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { MoverSetting } from '../../src/engine/mover/setting.ts';
import type { EngineParts } from '../../src/engine/parts.ts';
import { Proofs } from '../../src/engine/proofs.ts';
import type { Stores } from '../../src/engine/stores/stores.ts';
import type { Api } from '../../src/machinery/api.ts';
import { createObjects } from '../../src/machinery/in-process.ts';
import type { Objects } from '../../src/machinery/objects.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import type { ResourceDefinition } from '../../src/machinery/resource.ts';
import type { User } from '../../src/machinery/user.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { KeptIndexes } from '../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../src/repository/reading/open-repositories.ts';
import type { Repositories } from '../../src/repository/repositories.ts';
import { backupStores } from '../../src/resources/backup-store.ts';
import { backups } from '../../src/resources/backup.ts';
import type { Backup, BackupSpec } from '../../src/resources/backup.ts';
import { restores } from '../../src/resources/restore.ts';
import type { Restore, RestoreSpec } from '../../src/resources/restore.ts';
import { snapshots } from '../../src/resources/snapshot.ts';
import type { ItemResult } from '../../src/resources/services.ts';
import { MemoryStorage } from '../machinery/memory-storage.ts';
import { MemoryCluster } from './memory-cluster.ts';

/** The default store, and no others. */
const onlyStore = (store: ObjectStore): Stores => ({
  defaultUrl: 'memory:',
  named: () => store,
  faultOf: () => Promise.resolve(undefined),
  forget: () => {},
  isOpen: () => true,
});

export const emptyRepositories: Repositories = {
  access: async () => ({ path: 'repositories/', username: 'mover', password: 'ticket', repositoryPassword: 'key' }),
  isWrittenFor: async () => true,
  forget: async () => {},
  unpruned: async () => [],
  forgotten: async () => [],
  pruned: async () => {},
  checks: async () => new Map(),
  lastCheck: async () => undefined,
  noteCheck: async () => {},
  contents: async () => ({ snapshots: 0, bytes: 0 }),
};

export const alice: User = { name: 'alice', groups: ['system:authenticated'], extra: {} };
export const forever = new AbortController().signal;

/** The same storage and store for several engines makes them replicas. */
export function createWorkbench(
  given: {
    cluster?: Cluster;
    clock?: Clock;
    storage?: MemoryStorage;
    /** What lies in the store; and, where it is not a plain one, the store on it. */
    files?: Map<string, Uint8Array>;
    store?: ObjectStore;
    scratch?: ObjectStore;
    /** Instead of that one alone. */
    stores?: (objects: Objects) => Stores;
    repositories?: Repositories;
    mover?: MoverSetting;
    copyImage?: string;
    replica?: string;
  } = {},
) {
  const storage = given.storage ?? new MemoryStorage();
  const files = given.files ?? new Map<string, Uint8Array>();
  const clock = given.clock ?? systemClock;
  const cluster = given.cluster ?? new MemoryCluster();
  /** Namespaces, and `*` for the cluster, where nobody may do anything; and what else nobody may do, as `snapshots/restore shop`. */
  const denied = new Set<string>();
  const api: Api = {
    definitions: [backups, restores, snapshots, backupStores],
    storage,
    clock,
    ids: randomIds,
    authorizer: {
      authorize: (_, attributes) => {
        const place = 'resource' in attributes ? (attributes.namespace ?? '*') : '';
        const what = 'resource' in attributes ? `${attributes.resource}/${attributes.subresource} ${place}` : '';
        const isDenied = denied.has(place) || denied.has(what);
        return Promise.resolve({ allowed: !isDenied, reason: isDenied ? 'no rule' : '' });
      },
    },
    namespaces: { phase: () => Promise.resolve('Active') },
    services: undefined,
  };
  const objects = createObjects(api);
  const store = given.store ?? memoryStore(files);
  const scratch = new Map<string, Uint8Array>();
  const parts: EngineParts = {
    objects,
    backups,
    restores,
    snapshots,
    cluster,
    backupStores,
    stores: given.stores?.(objects) ?? onlyStore(store),
    scratch: given.scratch ?? memoryStore(scratch),
    proofs: new Proofs({ store, domain: 'domain', ids: randomIds }),
    repositories: given.repositories ?? emptyRepositories,
    openRepositories: new OpenRepositories(new KeptIndexes(memoryStore())),
    mover: given.mover,
    maintainEvery: 24 * 3_600_000,
    streams: createStreams(),
    copyImage: given.copyImage,
    domain: 'domain',
    replica: given.replica ?? 'one',
    singleReplica: false,
    authorizer: api.authorizer,
    clock,
    ids: randomIds,
    log: createLog('silent'),
    metrics: createMetrics(),
  };
  return { storage, files, scratch, denied, parts, engine: createEngine(parts), ...actionsOf(parts) };
}

function actionsOf(parts: EngineParts) {
  const create = (definition: ResourceDefinition, namespace: string, name: string, spec: object, user = alice) =>
    parts.objects.create(
      definition,
      { apiVersion: 'backup.kylon.io/v1alpha1', kind: definition.kind, metadata: { namespace, name }, spec },
      user,
      { dryRun: false },
      forever,
    );
  const get = (definition: ResourceDefinition, namespace: string, name: string) => parts.objects.get(definition, namespace, name, forever);
  const ended = (definition: ResourceDefinition, namespace: string, name: string): Promise<KubeObject> =>
    vi.waitFor(
      async () => {
        const object = await get(definition, namespace, name);
        expect((object?.status as { phase?: string })?.phase).toMatch(/Completed|Failed/);
        return object!;
      },
      { timeout: 20_000, interval: 5 },
    );
  return {
    get,
    create,
    ended,
    backUp: async (namespace: string, name: string, spec: BackupSpec = {}) => {
      await create(backups, namespace, name, spec);
      return (await ended(backups, namespace, name)) as Backup;
    },
    restore: async (namespace: string, name: string, spec: RestoreSpec) => {
      await create(restores, namespace, name, spec);
      return (await ended(restores, namespace, name)) as Restore;
    },
  };
}

/** Runs the engine while `work` does. */
export async function whileRunning<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const running = engine.run(stop.signal);
  try {
    return await work();
  } finally {
    stop.abort(new Error('the test is over'));
    await running;
  }
}

/** Runs the engine until its process is killed at its request number `at`, or `work` is done before. */
export async function killedAt(at: number, cluster: MemoryCluster, engine: Engine, work: () => Promise<unknown>): Promise<void> {
  const killed = new AbortController();
  let count = 0;
  cluster.check = () => {
    if (count++ >= at) killed.abort(new Error('killed'));
    if (killed.signal.aborted) throw new Error('killed');
  };
  const running = engine.run(killed.signal).catch(() => {});
  await Promise.race([vi.waitFor(() => expect(killed.signal.aborted).toBe(true), 5_000), work()]);
  killed.abort(new Error('killed'));
  cluster.check = () => {};
  await running;
}

/** All results of a restore as `resource namespace/name outcome`. */
export async function resultsOf(engine: Engine, restore: KubeObject): Promise<string[]> {
  const { items } = await engine.services.results(restore, { limit: 5_000, continue: '' }, forever);
  return items.map(textOf);
}

const textOf = ({ resource, namespace, name, outcome, message }: ItemResult) =>
  `${resource} ${namespace ? `${namespace}/` : ''}${name} ${outcome}${message && `: ${message}`}`;

export async function logOf(engine: Engine, object: KubeObject): Promise<string> {
  let text = '';
  const options = { follow: false, tailLines: undefined, sinceTime: undefined, timestamps: false };
  for await (const line of engine.services.log(object, options, forever)) text += line;
  return text;
}
