/** Wires the parts: read it to see the whole system on one screen. What differs between the ways of running is given. */
import { join } from 'node:path';
import type { Authenticate } from './auth/authenticate.ts';
import type { Clock } from './base/clock.ts';
import type { Ids } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { Metrics } from './base/metrics.ts';
import type { Anchor } from './catalog/rollback/anchor.ts';
import { anchorFile, fileAnchor, indexFolder, scratchFolder } from './catalog/rollback/file-anchor.ts';
import { openLastingCatalog } from './catalog/lasting-catalog.ts';
import { indexHome } from './catalog/local-index/index-home.ts';
import type { Cluster } from './cluster/cluster.ts';
import { openScratch } from './data-folder.ts';
import { createStreams } from './engine/copy/share.ts';
import { Proofs } from './engine/proofs.ts';
import { createEngine } from './engine/engine.ts';
import { BackupStores } from './engine/stores/backup-stores.ts';
import type { BackupStoresParts } from './engine/stores/backup-stores.ts';
import type { Engine } from './engine/engine.ts';
import type { NamespaceReader } from './machinery/api.ts';
import type { Call } from './machinery/call.ts';
import { Door } from './machinery/door.ts';
import { createObjects } from './machinery/in-process.ts';
import type { Objects } from './machinery/objects.ts';
import type { ResourceDefinition } from './machinery/resource.ts';
import type { Storage } from './machinery/storage.ts';
import type { Authorizer } from './machinery/user.ts';
import type { Version } from './machinery/description/version.ts';
import type { ObjectStore } from './objectstore/objectstore.ts';
import { openStore } from './objectstore/open.ts';
import type { Options } from './options.ts';
import type { ReadOnly } from './read-only.ts';
import { openKeptIndexes } from './repository/reading/kept-indexes.ts';
import { OpenRepositories } from './repository/reading/open-repositories.ts';
import { createRepositories } from './repository/store-repositories.ts';
import { backupStores } from './resources/backup-store.ts';
import { backups } from './resources/backup.ts';
import { restores } from './resources/restore.ts';
import { snapshots } from './resources/snapshot.ts';
import { startServer } from './server/listen.ts';
import type { RunningServer } from './server/listen.ts';
import type { Certificate } from './server/https.ts';
import type { Refusal } from './server/refusal.ts';

export interface Parts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Tells the user on standard output. */
export type Say = (text: string) => void;

/** What a way of running decides. */
export interface Setting {
  readonly options: Options;
  /** Names the log of the protected cluster in the store. */
  readonly domain: string;
  readonly definitions: readonly ResourceDefinition[];
  readonly version: Version;
  readonly certificate: Certificate;
  /** PEM: whom Pods of the cluster trust when they reach this process. */
  readonly ca: string;
  readonly authenticate: Authenticate;
  readonly authorizer: Authorizer;
  readonly namespaces: (storage: Storage) => NamespaceReader;
  /** Called once the server listens, with its port: in the playground the cluster is this very server. */
  readonly connect: (port: number) => Promise<Cluster>;
  readonly onRefused?: ((refusal: Refusal) => void) | undefined;
}

export interface Kylon {
  readonly server: RunningServer;
  readonly cluster: Cluster;
  readonly objects: Objects;
  readonly storage: Storage;
  readonly engine: Engine;
  readonly readOnly: ReadOnly;
  /** Ends requests, then storage, then the store. */
  close(): Promise<void>;
}

/** Rejects, with everything closed again, when a part cannot start. The engine is wired but does not run yet. */
export async function compose(setting: Setting, parts: Parts, signal: AbortSignal): Promise<Kylon> {
  const { options, domain } = setting;
  await using opened = new AsyncDisposableStack();
  const found = await openStore(options.store, { ...parts, encryptionKeys: options.encryptionKeys }, signal);
  const store = opened.adopt(found.store, (one) => one.close());
  const index = indexHome(indexFolder(options.data, store.name, domain));
  const anchor = anchorOf(options, store.name, domain);
  const { encrypted } = found;
  const catalog = { store, encrypted, readOnly: found.readOnly, domain, index, anchor, replica: options.replica, ...parts, signal };
  const storage = opened.adopt(await openLastingCatalog(catalog), (one) => one.close());
  const core = {
    ...parts,
    definitions: setting.definitions,
    storage,
    authorizer: setting.authorizer,
    namespaces: setting.namespaces(storage),
    version: setting.version,
  };
  const objects = createObjects({ ...core, services: undefined });
  const connected = Promise.withResolvers<Cluster>();
  const stores = opened.use(new BackupStores(storesOf(setting, parts, { store, objects, cluster: connected.promise })));
  const door = new Door();
  const { repositories, serve: serveRepository } = createRepositories({ ...parts, storeNamed: (name) => stores.named(name), domain });
  const handlers = { handle: (call: Call) => door.handle(call), serveRepository };
  const server = opened.adopt(await startServer({ ...serving(setting), ...parts, ...handlers }, signal), (one) => one.close());
  const cluster = opened.adopt(await setting.connect(server.port), (one) => one.close());
  connected.resolve(cluster);
  const mover = options.mover && { ...options.mover, ca: setting.ca, namespace: options.service.namespace };
  const singleReplica = options.mode !== 'in-cluster';
  const engine = createEngine({
    ...parts,
    objects,
    backups,
    restores,
    snapshots,
    backupStores,
    cluster,
    stores,
    scratch: await openScratch(scratchFolder(options.data, store.name, domain), parts),
    proofs: new Proofs({ ...parts, store, domain }),
    repositories,
    openRepositories: new OpenRepositories(await openKeptIndexes(join(options.data, 'repositories'), parts)),
    mover,
    maintainEvery: options.maintainEvery,
    streams: createStreams(),
    copyImage: options.copyImage,
    domain,
    replica: options.replica,
    singleReplica,
    authorizer: setting.authorizer,
  });
  door.open({ ...core, services: engine.services });
  const whole = opened.move();
  return { server, cluster, objects, storage, engine, readOnly: storage.readOnly, close: () => whole.disposeAsync() };
}

function storesOf(
  { options }: Setting,
  parts: Parts,
  given: Pick<BackupStoresParts, 'objects' | 'cluster'> & { readonly store: ObjectStore },
): BackupStoresParts {
  const { store, ...others } = given;
  const { storeFolder, encryptionKeys } = options;
  return {
    ...others,
    own: { store, url: options.store },
    storeFolder,
    env: parts.env,
    clock: parts.clock,
    open: ({ url, env, ca }, signal) => openStore(url, { ...parts, env, ca, encryptionKeys }, signal),
  };
}

/** A store in memory forgets everything by itself. */
function anchorOf({ store, data }: Options, storeName: string, domain: string): Anchor | undefined {
  return new URL(store).protocol === 'memory:' ? undefined : fileAnchor(anchorFile(data, storeName, domain));
}

function serving({ options, certificate, authenticate, authorizer, onRefused }: Setting) {
  return {
    host: options.host,
    port: options.port,
    ...certificate,
    authenticate,
    authorizer,
    auditFile: options.auditLog,
    shutdownDelayMs: options.shutdownDelay,
    healthChecks: [],
    onRefused,
  };
}
