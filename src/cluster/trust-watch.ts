/**
 * Whom kube-apiserver trusts, and by which headers it names users: ConfigMap kube-system/extension-apiserver-authentication,
 * kept fresh. https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication
 */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { ApiClient } from './client.ts';
import { ClusterError } from './cluster.ts';
import { watchSince } from './watch.ts';

export interface TrustWatch {
  /** The ConfigMap's data as last seen. Stays as it was when the ConfigMap is deleted or the API server does not answer. */
  data(): Readonly<Record<string, string>>;
  /** Whether the ConfigMap was not there when last looked at. */
  isGone(): boolean;
  /** Calls back after each change of data, until the function that it returns is called. */
  onChange(listener: () => void): () => void;
}

interface ConfigMap {
  readonly data?: Readonly<Record<string, string>>;
}
interface ConfigMapList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly ConfigMap[] | null;
}

const name = 'extension-apiserver-authentication';
const request = { path: '/api/v1/namespaces/kube-system/configmaps', query: { fieldSelector: `metadata.name=${name}` } };
const firstBackoffMs = 1_000;
const longestBackoffMs = 30_000;

/** Resolves when the ConfigMap was read; then follows it until the signal aborts. Rejects with ClusterError if it cannot be read. */
export async function watchTrust(client: ApiClient, parts: { clock: Clock; log: Log }, signal: AbortSignal): Promise<TrustWatch> {
  const first = await readTrust(client, signal).catch(explainForbidden);
  if (!first.data) throw new ClusterError(404, 'NotFound', `ConfigMap kube-system/${name} does not exist: aggregation is not configured`);
  const trust = new Trust(first.data, parts.log);
  void follow(client, trust, first.resourceVersion, parts, signal);
  return { data: () => trust.data, isGone: () => trust.gone, onChange: (listener) => trust.onChange(listener) };
}

class Trust {
  data: Readonly<Record<string, string>>;
  gone = false;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();

  constructor(data: Readonly<Record<string, string>>, log: Log) {
    this.data = data;
    this.#log = log;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  see(data: ConfigMap['data']): void {
    this.gone = data === undefined;
    if (!data) return this.#log.warn(`ConfigMap kube-system/${name} is gone; what it said last stays in force`);
    if (JSON.stringify(data) === JSON.stringify(this.data)) return;
    this.data = data;
    this.#log.info(`ConfigMap kube-system/${name} has changed`);
    for (const listener of this.#listeners) listener();
  }
}

/** One watch after the other; reads the ConfigMap anew in between, so that nothing is missed. */
async function follow(
  client: ApiClient,
  trust: Trust,
  since: string,
  { clock, log }: { clock: Clock; log: Log },
  signal: AbortSignal,
): Promise<void> {
  let backoffMs = firstBackoffMs;
  for (let version: string | undefined = since; !signal.aborted;) {
    try {
      const from: string = version ?? (await refresh(client, trust, signal));
      version = undefined;
      await watchOnce(client, trust, from, clock, signal);
      backoffMs = firstBackoffMs;
    } catch (error) {
      if (signal.aborted) return;
      log.warn(`cannot follow ConfigMap kube-system/${name}`, { error: messageOf(error), retryMs: backoffMs });
    }
    await clock.sleep(backoffMs, signal).catch(() => {});
    backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
  }
}

async function refresh(client: ApiClient, trust: Trust, signal: AbortSignal): Promise<string> {
  const { data, resourceVersion } = await readTrust(client, signal);
  trust.see(data);
  return resourceVersion;
}

async function watchOnce(client: ApiClient, trust: Trust, resourceVersion: string, clock: Clock, signal: AbortSignal): Promise<void> {
  for await (const event of watchSince(client, request, resourceVersion, clock, signal))
    trust.see(event.type === 'DELETED' ? undefined : ((event.object as ConfigMap).data ?? {}));
}

async function readTrust(client: ApiClient, signal: AbortSignal) {
  const { metadata, items } = await client.json<ConfigMapList>(request, signal);
  const found = items?.[0];
  return { resourceVersion: metadata.resourceVersion, data: found && (found.data ?? {}) };
}

function explainForbidden(error: unknown): never {
  if (!(error instanceof ClusterError) || error.code !== 403) throw error;
  const cure =
    `it needs a RoleBinding in kube-system to the Role extension-apiserver-authentication-reader: kubectl create rolebinding kylon-auth-reader ` +
    `-n kube-system --role=extension-apiserver-authentication-reader --serviceaccount=NAMESPACE:NAME`;
  throw new ClusterError(403, error.reason, `may not read ConfigMap kube-system/${name}; ${cure} (${error.message})`, { cause: error });
}
