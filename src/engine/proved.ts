/** What Kylon makes in a namespace for one of its own objects, with a proof: found again by its name, and nothing that somebody else has made is taken for it. */
import type { ApiResource, Cluster, ClusterObject } from '../cluster/cluster.ts';
import { quote } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { EngineParts } from './parts.ts';
import { retried } from './retry.ts';
import { RunFailed } from './runs/failure.ts';
import { unlessThere } from './snapshot/removal.ts';

/** In which namespace, and under which name. */
interface Place {
  readonly namespace?: string;
  readonly name: string;
}

/** The one that was made for `owner`, read as Kylon itself. */
export async function findProved(
  { cluster, proofs }: Pick<EngineParts, 'cluster' | 'proofs'>,
  resource: ApiResource,
  { namespace = '', name }: Place,
  owner: KubeObject,
  signal: AbortSignal,
): Promise<ClusterObject | undefined> {
  return proofs.proved(await cluster.get(resource, namespace, name, signal), owner.metadata.uid ?? '', signal);
}

export interface Maker {
  readonly parts: EngineParts;
  /** The cluster, as whoever makes it. */
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
}

/** One that was made for `owner` before will do. Rejects with RunFailed where it is somebody else's. */
export async function makeProved(
  { parts, cluster, signal }: Maker,
  resource: ApiResource,
  object: ClusterObject,
  owner: KubeObject,
): Promise<void> {
  const { namespace = '', name } = object.metadata;
  const proved = await parts.proofs.give(object, owner.metadata.uid ?? '', signal);
  // Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const lasting = AbortSignal.any([]);
  const create = () => cluster.create(resource, namespace, proved, {}, lasting);
  const isNew = await retried(parts.clock, signal, create).catch(unlessThere);
  if (isNew || (await findProved(parts, resource, object.metadata, owner, signal))) return;
  throw new RunFailed(`${resource.kind}Exists`, `the ${resource.kind} ${quote(name)} was made by somebody else`);
}
