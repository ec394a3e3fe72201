/** The resources of a backup by all the names that they go by. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { ItemQuery } from '../../resources/services.ts';
import { isGlob } from '../selection/glob.ts';
import { resolveResource } from '../selection/selection.ts';
import type { ArchiveReader } from './archive.ts';
import { parseKey } from './item-key.ts';

/** What the backup holds, with the names that the cluster knows for it; of what it does not serve, plural and kind alone. */
export function heldResources(reader: ArchiveReader, served: readonly ApiResource[], signal: AbortSignal): Promise<readonly ApiResource[]> {
  const known = new Map(served.map((resource) => [qualified(resource), resource]));
  return Promise.all([...reader.resources().keys()].map(async (key) => known.get(key) ?? unserved(reader, key, signal)));
}

async function unserved(reader: ArchiveReader, key: string, signal: AbortSignal): Promise<ApiResource> {
  const { group, resource } = parseKey(`${key}/`);
  const { items } = await reader.items({ group, resource, limit: 1, continue: '', labelSelector: '' }, signal);
  const { kind = '', version = '', namespace = '' } = items[0] ?? {};
  return {
    group,
    version,
    resource,
    kind,
    singular: kind.toLowerCase(),
    shortNames: [],
    namespaced: namespace !== '',
    verbs: ['list', 'create'],
  };
}

/** The query with the plural and group of the resource that it names as kubectl would: by singular, kind or short name. */
export function byPlural<Q extends ItemQuery>(query: Q, resources: readonly ApiResource[]): Q {
  const { resource, group } = query;
  if (resource === undefined || isGlob(resource) || isPlural(query, resources)) return query;
  const [found] = resolveResource(group === undefined ? resource : `${resource}.${group}`, resources);
  return found ? { ...query, resource: found.resource, group: found.group } : query;
}

function isPlural({ resource, group }: ItemQuery, resources: readonly ApiResource[]): boolean {
  return resources.some((one) => one.resource === resource && (group === undefined || one.group === group));
}
