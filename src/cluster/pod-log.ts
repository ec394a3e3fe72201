/** What the container of a Pod has written: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod */
import type { ApiClient } from './client.ts';
import { errorOf } from './status.ts';

/** Of each log, at most: a line may be long. */
const mostBytes = 1024 * 1024;

export async function readLog(client: ApiClient, namespace: string, pod: string, lines: number, signal: AbortSignal): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
  const query = { tailLines: String(lines), limitBytes: String(mostBytes) };
  const answer = await client.ask({ path, query, headers: { Accept: '*/*' } }, signal);
  if (answer.status !== 200) throw errorOf(`GET ${path}`, answer);
  return Buffer.from(answer.body).toString();
}
