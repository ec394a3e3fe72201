/** Runs a program in the container that has a volume, and tells what it needs and is not there. */
import type { Cluster, ExecStreams } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { RunFailed } from '../runs/failure.ts';
import type { MountedVolume } from './mounted-volume.ts';

/** By which env and sh tell that there is no such program. */
const notFound = 127;
const notThere = /executable file not found|no such file or directory/i;

/** Resolves to its exit code. Rejects with RunFailed where the image does not have it, and with ClusterError code 0 where the connection is cut. */
export async function runInContainer(
  cluster: Cluster,
  namespace: string,
  { pod, container, image }: MountedVolume,
  command: readonly string[],
  streams: ExecStreams,
  signal: AbortSignal,
): Promise<number> {
  const missing = (message: string) =>
    new RunFailed(
      'TarNotFound',
      `the image ${quote(image)} of the container ${quote(container)} of the Pod ${quote(pod)} lacks what copies a volume: ${message}`,
    );
  try {
    const code = await cluster.exec({ namespace, pod, container, command }, streams, signal);
    if (code === notFound) throw missing('tar, sh, or dd for blocks');
    return code;
  } catch (error) {
    if (error instanceof ClusterError && error.code >= 500 && notThere.test(error.message)) throw missing(error.message);
    throw error;
  }
}
