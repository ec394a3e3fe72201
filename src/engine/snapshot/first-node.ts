/** For which node a volume is made, where volumes of its StorageClass are made for the first Pod and there is none. */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { selectedNode } from '../restore/cleaning-rules.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { isMadeAtOnce } from './new-claim.ts';

/**
 * For that of the claim `wanted`, as for that of `like`: where the Pods `using` it run now, or its first one ran. Undefined where no node is needed.
 * Rejects with RunFailed where nobody says it.
 */
export async function firstNodeFor(
  cluster: Cluster,
  wanted: ClusterObject,
  like: ClusterObject,
  using: readonly ClusterObject[],
  signal: AbortSignal,
): Promise<string | undefined> {
  return (await isMadeAtOnce(cluster, wanted, signal)) ? undefined : nodeOf(like, using);
}

function nodeOf({ metadata }: ClusterObject, using: readonly ClusterObject[]): string {
  const nodes = [...using.map(({ spec }) => fieldsOf(spec)['nodeName']), fieldsOf(metadata['annotations'])[selectedNode]];
  const node = nodes.map(textOf).find((name) => name !== undefined && name !== '');
  if (node !== undefined) return node;
  const why = 'volumes of its StorageClass are made for a node (WaitForFirstConsumer), and no Pod says for which one';
  throw new RunFailed('NodeUnknown', `${why}: start one that uses the claim ${quote(metadata.name)}`);
}
