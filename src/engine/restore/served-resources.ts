/** Which resources the target cluster serves, as of the last look; a restore that brings definitions looks again. */
import type { ApiResource, Cluster, Discovery } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';

export class ServedResources {
  readonly #cluster: Cluster;
  readonly #byKey = new Map<string, ApiResource>();
  readonly #byKind = new Map<string, ApiResource>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** In the order of discovery. */
  get all(): readonly ApiResource[] {
    return [...this.#byKey.values()];
  }

  async refresh(signal: AbortSignal): Promise<Discovery['failures']> {
    const { resources, failures } = await this.#cluster.discover(signal);
    this.#byKey.clear();
    this.#byKind.clear();
    for (const resource of resources) {
      this.#byKey.set(qualified(resource), resource);
      this.#byKind.set(`${resource.kind}.${resource.group}`, resource);
    }
    return failures;
  }

  /** By `plural.group`. */
  find(key: string): ApiResource | undefined {
    return this.#byKey.get(key);
  }

  /** As an owner reference names it. */
  ofKind(apiVersion: string, kind: string): ApiResource | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    return this.#byKind.get(`${kind}.${group}`);
  }
}
