/** What a server says about the kinds that it has, group by group: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api */
import { createHash } from 'node:crypto';
import type { Group, GroupVersion } from './group-versions.ts';
import { groupVersion } from '../resource.ts';
import type { ResourceDefinition } from '../resource.ts';

/** `GET /api`: the versions of the core group. */
export function apiVersions(core: Group) {
  return {
    kind: 'APIVersions',
    versions: core.versions.map(({ version }) => version),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '' }],
  };
}

/** `GET /apis`. */
export function apiGroupList(groups: readonly Group[]) {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupFields) };
}

/** `GET /apis/GROUP`. */
export function apiGroup(group: Group) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupFields(group) };
}

/** `GET /apis/GROUP/VERSION` and `GET /api/v1`. */
export function apiResourceList(served: GroupVersion) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion(served),
    resources: served.definitions.flatMap(apiResources),
  };
}

export type DiscoveryVersion = 'v2' | 'v2beta1';

/** All groups and kinds in one document; kubectl up to 1.29 reads v2beta1 only. */
export function aggregatedDiscovery(groups: readonly Group[], version: DiscoveryVersion) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name && { name }), creationTimestamp: null },
      versions: versions.map((served) => ({
        version: served.version,
        resources: served.definitions.map(resourceDiscovery),
        freshness: 'Current',
      })),
    })),
  };
}

const resourceVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const statusVerbs = ['get', 'patch', 'update'];

function groupFields({ name, versions }: Group) {
  const named = versions.map((served) => ({ groupVersion: groupVersion(served), version: served.version }));
  return { name, versions: named, preferredVersion: named[0] };
}

/** The subresources of a kind with the kind that each takes and gives. */
function subresourcesOf({ statusSubresource, kind, subresources }: ResourceDefinition) {
  const own = subresources.map((sub) => ({ name: sub.name, kind: sub.kind, verbs: sub.verbs.toSorted() }));
  return statusSubresource ? [{ name: 'status', kind, verbs: statusVerbs }, ...own] : own;
}

function apiResources(definition: ResourceDefinition) {
  const { plural, singular, namespaced, kind, shortNames, categories } = definition;
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: resourceVerbs,
      ...(shortNames.length > 0 && { shortNames }),
      ...(categories.length > 0 && { categories }),
      storageVersionHash: storageVersionHash(definition),
    },
    ...subresourcesOf(definition).map((sub) => ({
      name: `${plural}/${sub.name}`,
      singularName: '',
      namespaced,
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ];
}

function resourceDiscovery(definition: ResourceDefinition) {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories } = definition;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: resourceVerbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    subresources: subresourcesOf(definition).map((sub) => ({
      subresource: sub.name,
      responseKind: { group, version, kind: sub.kind },
      ...(sub.verbs.includes('create') && { acceptedTypes: [{ group, version, kind: sub.kind }] }),
      verbs: sub.verbs,
    })),
  };
}

/** Tells storage migrators whether the stored form has changed. */
function storageVersionHash({ group, version, kind }: ResourceDefinition): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
