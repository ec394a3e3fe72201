/** metav1.Status as it comes from the API server, and the error that it becomes. */
import type { IncomingHttpHeaders } from 'node:http';
import { ClusterError } from './cluster.ts';

interface Status {
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
  readonly metadata?: { readonly continue?: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** Of an answer that is not 2xx. Proxies in between answer in plain text: the beginning of that is quoted. */
export function errorOf(what: string, answer: Answer): ClusterError {
  const status = statusOf(answer.body);
  const retryAfter = retryAfterOf(answer.headers) ?? status?.details?.retryAfterSeconds;
  if (status?.message) return new ClusterError(answer.status, status.reason ?? '', status.message, { retryAfter });
  const text = Buffer.from(answer.body.subarray(0, 200)).toString().trim();
  return new ClusterError(answer.status, status?.reason ?? '', `${what} was answered ${answer.status}${text && `: ${text}`}`, {
    retryAfter,
  });
}

/** What a 410 offers to go on with, where it does. https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks */
export function freshContinueToken(body: Uint8Array): string | undefined {
  return statusOf(body)?.metadata?.continue || undefined;
}

/** Seconds. The form with a date is not used by Kubernetes. */
export function retryAfterOf(headers: IncomingHttpHeaders): number | undefined {
  const seconds = headers['retry-after'];
  return seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) : undefined;
}

function statusOf(body: Uint8Array): Status | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null && (value as Status).kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}
