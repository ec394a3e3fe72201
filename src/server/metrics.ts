/** /metrics: figures for Prometheus. Who may read them is asked as for every other path; Kubernetes' own role system:monitoring may. */
import type { Metrics } from '../base/metrics.ts';
import type { Answer, Target } from '../machinery/call.ts';
import { methodNotAllowed } from '../machinery/errors.ts';

/** Undefined for every other path. Rejects with ApiError 405. */
export function answerMetrics(metrics: Metrics, { method, path }: Target): Promise<Answer> | undefined {
  if (path !== '/metrics') return undefined;
  return method === 'GET' || method === 'HEAD' ? figures(metrics) : Promise.reject(methodNotAllowed());
}

async function figures(metrics: Metrics): Promise<Answer> {
  const { type, body } = await metrics.text();
  return { status: 200, headers: { 'Content-Type': type }, body };
}
