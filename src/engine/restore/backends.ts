/**
 * The Pods behind webhooks and aggregated APIs: until one of them is ready, the API server turns away what a webhook is asked about, perhaps those Pods
 * themselves, and an aggregated API holds up the deletion of every namespace.
 */
import type { Clock } from '../../base/clock.ts';
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { retried } from '../retry.ts';
import { fieldsOf, listOf, textOf } from '../selection/fields.ts';
import { endpointSlices, services } from '../snapshot/known.ts';
import { listed } from '../snapshot/listed.ts';

/** Milliseconds from when they are asked for first. */
const patience = 120_000;
const pollEvery = 1_000;

/** Of a webhook that is not to be waited for, since nothing fails without it, there is none. */
const servicesOf: Readonly<Record<string, (object: ClusterObject) => readonly unknown[]>> = {
  'apiservices.apiregistration.k8s.io': ({ spec }) => [fieldsOf(spec)['service']],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhookServices,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhookServices,
};

function webhookServices({ webhooks }: ClusterObject): readonly unknown[] {
  return listOf(webhooks)
    .filter(({ failurePolicy }) => failurePolicy !== 'Ignore')
    .map(({ clientConfig }) => fieldsOf(clientConfig)['service']);
}

/** For one restore: each Service is waited for once. Read as Kylon itself. */
export class Backends {
  readonly #parts: { readonly cluster: Cluster; readonly clock: Clock };
  readonly #onWait: (text: string) => void;
  readonly #signal: AbortSignal;
  /** By namespace and name. */
  readonly #faults = new Map<string, Promise<string | undefined>>();

  /** `onWait` is told of every Service that has to be waited for. */
  constructor(parts: { readonly cluster: Cluster; readonly clock: Clock }, onWait: (text: string) => void, signal: AbortSignal) {
    this.#parts = parts;
    this.#onWait = onWait;
    this.#signal = signal;
  }

  /** Resolves when every Service that this object of `plural.group` names has a ready Pod, or will have none soon: then to what is missing, for people. */
  async await(resource: string, object: ClusterObject): Promise<readonly string[]> {
    const named = (servicesOf[resource]?.(object) ?? []).map(fieldsOf);
    const faults = named.map(({ namespace, name }) => this.#faultOf(textOf(namespace) ?? '', textOf(name) ?? ''));
    const found = await Promise.all(faults);
    return [...new Set(found.filter((fault) => fault !== undefined))];
  }

  #faultOf(namespace: string, name: string): Promise<string | undefined> {
    if (name === '') return Promise.resolve(undefined);
    const key = `${namespace}/${name}`;
    const fault = this.#faults.get(key) ?? this.#awaitOne(namespace, name);
    this.#faults.set(key, fault);
    return fault;
  }

  async #awaitOne(namespace: string, name: string): Promise<string | undefined> {
    const { cluster, clock } = this.#parts;
    const called = `the Service ${namespace}/${name}`;
    const service = await retried(clock, this.#signal, () => cluster.get(services, namespace, name, this.#signal));
    if (!service) return `${called} is not there`;
    if (fieldsOf(service['spec'])['type'] === 'ExternalName' || (await this.#isReady(namespace, name))) return undefined;
    this.#onWait(`waits for a ready Pod of ${called}, ${patience / 1_000} s at most`);
    for (const deadline = clock.monotonic() + patience; clock.monotonic() < deadline;) {
      await clock.sleep(pollEvery, this.#signal);
      if (await this.#isReady(namespace, name)) return undefined;
    }
    return `${called} has no ready Pod after ${patience / 1_000} s`;
  }

  async #isReady(namespace: string, name: string): Promise<boolean> {
    const { cluster, clock } = this.#parts;
    const options = { namespace, labelSelector: `kubernetes.io/service-name in (${name})` };
    const slices = await retried(clock, this.#signal, () => listed<ClusterObject>(cluster, endpointSlices, options, this.#signal));
    return slices.some(({ endpoints }) => listOf(endpoints).some(({ conditions }) => fieldsOf(conditions)['ready'] !== false));
  }
}
