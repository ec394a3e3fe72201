/**
 * Which resources there are: aggregated discovery v2, two requests for all of it, or group by group where a server is too old.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
import { messageOf } from '../base/lifetime.ts';
import type { ApiClient } from './client.ts';
import type { ApiResource, Discovery } from './cluster.ts';
import { groupVersionPath } from './paths.ts';

/** What one version of one group serves, or why that is not known. In order of preference within its group. */
interface ServedVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly ApiResource[];
  readonly failure?: string;
}

interface AggregatedDocument {
  readonly kind: 'APIGroupDiscoveryList';
  readonly items: readonly { readonly metadata?: { readonly name?: string }; readonly versions?: readonly AggregatedVersion[] }[];
}
interface AggregatedVersion {
  readonly version: string;
  readonly freshness?: string;
  readonly resources?: readonly AggregatedResource[];
}
interface AggregatedResource {
  readonly resource: string;
  readonly responseKind?: { readonly kind?: string };
  readonly scope: string;
  readonly singularResource?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
}
interface VersionsDocument {
  readonly kind: 'APIVersions';
  readonly versions: readonly string[];
}
interface GroupsDocument {
  readonly kind: 'APIGroupList';
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
    readonly preferredVersion?: { readonly version: string };
  }[];
}
interface ResourcesDocument {
  readonly resources: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly namespaced: boolean;
    readonly kind: string;
    readonly verbs?: readonly string[];
    readonly shortNames?: readonly string[];
  }[];
}
interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
const parallelRequests = 8;

export async function discover(client: ApiClient, signal: AbortSignal): Promise<Discovery> {
  const [core, named] = await Promise.all([discoverBelow(client, '/api', signal), discoverBelow(client, '/apis', signal)]);
  const served = [...core, ...named];
  return {
    resources: preferred(served),
    failures: served.flatMap(({ group, version, failure }) =>
      failure === undefined ? [] : [{ groupVersion: group ? `${group}/${version}` : version, message: failure }],
    ),
  };
}

/** Each resource once, in the first version of its group that has it. */
function preferred(served: readonly ServedVersion[]): ApiResource[] {
  const chosen = new Map<string, ApiResource>();
  for (const resource of served.flatMap(({ resources }) => resources)) {
    const key = `${resource.resource}.${resource.group}`;
    if (!chosen.has(key)) chosen.set(key, resource);
  }
  return [...chosen.values()];
}

async function discoverBelow(client: ApiClient, path: '/api' | '/apis', signal: AbortSignal): Promise<ServedVersion[]> {
  type Document = AggregatedDocument | VersionsDocument | GroupsDocument;
  const document = await client.json<Document>({ path, headers: { Accept: aggregated } }, signal);
  if (document.kind === 'APIGroupDiscoveryList') return fromAggregated(document);
  return askEach(client, document.kind === 'APIVersions' ? coreVersions(document) : groupVersions(document), signal);
}

function fromAggregated({ items }: AggregatedDocument): ServedVersion[] {
  return items.flatMap(({ metadata, versions = [] }) =>
    versions.map((served) => {
      const place = { group: metadata?.name ?? '', version: served.version };
      if (served.freshness === 'Stale') return { ...place, resources: [], failure: 'the server behind it does not answer (Stale)' };
      return { ...place, resources: (served.resources ?? []).map((resource) => fromAggregatedResource(place, resource)) };
    }),
  );
}

function fromAggregatedResource(place: GroupVersion, given: AggregatedResource): ApiResource {
  return {
    ...place,
    resource: given.resource,
    kind: given.responseKind?.kind ?? '',
    singular: given.singularResource ?? '',
    shortNames: given.shortNames ?? [],
    namespaced: given.scope === 'Namespaced',
    verbs: given.verbs ?? [],
  };
}

const coreVersions = ({ versions }: VersionsDocument): GroupVersion[] => versions.map((version) => ({ group: '', version }));

function groupVersions({ groups }: GroupsDocument): GroupVersion[] {
  return groups.flatMap(({ name, versions, preferredVersion }) => {
    const names = versions.map(({ version }) => version);
    const first = preferredVersion ? [preferredVersion.version] : [];
    return [...new Set([...first, ...names])].map((version) => ({ group: name, version }));
  });
}

async function askEach(client: ApiClient, places: readonly GroupVersion[], signal: AbortSignal): Promise<ServedVersion[]> {
  const served: ServedVersion[] = [];
  for (let at = 0; at < places.length; at += parallelRequests)
    served.push(...(await Promise.all(places.slice(at, at + parallelRequests).map((place) => askVersion(client, place, signal)))));
  return served;
}

async function askVersion(client: ApiClient, place: GroupVersion, signal: AbortSignal): Promise<ServedVersion> {
  try {
    const { resources } = await client.json<ResourcesDocument>({ path: groupVersionPath(place) }, signal);
    return { ...place, resources: resources.filter(({ name }) => !name.includes('/')).map((given) => fromLegacy(place, given)) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...place, resources: [], failure: messageOf(error) };
  }
}

function fromLegacy(place: GroupVersion, given: ResourcesDocument['resources'][number]): ApiResource {
  return {
    ...place,
    resource: given.name,
    kind: given.kind,
    singular: given.singularName ?? '',
    shortNames: given.shortNames ?? [],
    namespaced: given.namespaced,
    verbs: given.verbs ?? [],
  };
}
