/** What a dry run cannot try: objects that need others which it would only make. */
import type { ApiResource, ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Item } from '../../resources/services.ts';
import type { Restoration } from './restoration.ts';

/** As the API server names what it misses: `serviceaccount "web" not found`, `roles.rbac.authorization.k8s.io "x" not found`. */
const missing = [
  /(?<word>[a-z]+)(?:\.(?<group>[a-z0-9.-]+))? "(?<name>[^"]+)" not found/,
  /no (?<word>PriorityClass) with name (?<name>\S+) was found/,
];

/** The item of this restore that the server did not find when it was to write this one, for people; undefined where there is none. */
export async function dependencyOf(r: Restoration, item: Item, { message }: ClusterError): Promise<string | undefined> {
  const { word = '', group, name = '' } = missing.map((pattern) => pattern.exec(message)?.groups).find((groups) => groups) ?? {};
  const goesBy = ({ resource, singular, kind }: ApiResource) => [resource, singular, kind].includes(word);
  const resource = r.served.all.find((served) => goesBy(served) && (group === undefined || served.group === group));
  if (!resource || (qualified(resource) === qualified(item) && name === item.name)) return undefined;
  const query = { group: resource.group, resource: resource.resource, namespace: resource.namespaced ? item.namespace : '', name };
  const { items } = await r.reader.items({ ...query, limit: 1, continue: '', labelSelector: '' }, r.work.signal);
  return items.some((needed) => r.choice.takes(needed)) ? `${word} "${name}"` : undefined;
}
