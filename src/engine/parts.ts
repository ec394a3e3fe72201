/** What the engine is made of. compose.ts brings it together. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Objects } from '../machinery/objects.ts';
import type { ResourceDefinition } from '../machinery/resource.ts';
import type { Authorizer } from '../machinery/user.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { OpenRepositories } from '../repository/reading/open-repositories.ts';
import type { Repositories } from '../repository/repositories.ts';
import type { MoverSetting } from './mover/setting.ts';
import type { Proofs } from './proofs.ts';
import type { Shares } from './shares.ts';
import type { Stores } from './stores/stores.ts';

export interface EngineParts {
  readonly objects: Objects;
  readonly backups: ResourceDefinition;
  readonly restores: ResourceDefinition;
  readonly snapshots: ResourceDefinition;
  readonly backupStores: ResourceDefinition;
  /** The cluster that is backed up and restored to, as Kylon itself. */
  readonly cluster: Cluster;
  readonly stores: Stores;
  /** On the local disk, of this process alone: what a run needs no longer than it lasts, under a key that begins with its folder. Empty at the start. */
  readonly scratch: ObjectStore;
  /** Of what was made in the cluster for the work. */
  readonly proofs: Proofs;
  /** What was in volumes. */
  readonly repositories: Repositories;
  /** For who looks into it. */
  readonly openRepositories: OpenRepositories;
  /** Undefined where no Pod can reach this process: then no volume can be copied. */
  readonly mover: MoverSetting | undefined;
  /** Milliseconds between two checks, and two prunes, of what was in the volumes of a namespace. */
  readonly maintainEvery: number;
  /** By namespace, of the volumes whose bytes pass through this process, to tar or from it. */
  readonly streams: Shares;
  /** Of the Pods by which volumes are copied that no running Pod has; undefined where none was named. */
  readonly copyImage: string | undefined;
  /** Names this cluster in the store. */
  readonly domain: string;
  /** Names this process among the replicas. */
  readonly replica: string;
  /** No other replica can be running: claims of others are of dead processes. */
  readonly singleReplica: boolean;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
}
