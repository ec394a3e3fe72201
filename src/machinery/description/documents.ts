/** Everything that is served from memory and concerns no object: discovery, OpenAPI, the version, the list of paths. */
import { covers, parseAccept } from '../views/accept.ts';
import type { MediaRange } from '../views/accept.ts';
import type { Api } from '../api.ts';
import { jsonAnswer } from '../call.ts';
import type { Answer, Call } from '../call.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from './discovery.ts';
import type { DiscoveryVersion } from './discovery.ts';
import { documentOf, serve } from './document.ts';
import type { Document } from './document.ts';
import { methodNotAllowed, notAcceptable } from '../errors.ts';
import { groupsOf, rootOf } from './group-versions.ts';
import type { Group, GroupVersion } from './group-versions.ts';
import { openapiV2 } from './openapi-v2.ts';
import { openapiV3, openapiV3Path, openapiV3Root } from './openapi-v3.ts';
import type { ResourceDefinition } from '../resource.ts';
import { kylonVersion, versionInfo } from './version.ts';

type Served = Pick<Api, 'definitions' | 'version' | 'clock'>;
type Page = (call: Call, api: Served) => Answer;

/** Undefined where the path is none of these. Throws ApiError 405 for other methods than GET, 406 for other media types than JSON. */
export function describe(api: Served, call: Call): Answer | undefined {
  const page = pagesOf(api).get(call.path);
  if (!page) return undefined;
  if (call.method !== 'GET' && call.method !== 'HEAD') throw methodNotAllowed();
  return page(call, api);
}

/** Made at the first request for a list of definitions, and kept as long as that is. */
const prepared = new WeakMap<readonly ResourceDefinition[], ReadonlyMap<string, Page>>();

function pagesOf({ definitions }: Served): ReadonlyMap<string, Page> {
  const known = prepared.get(definitions);
  if (known) return known;
  const pages = preparePages(definitions);
  prepared.set(definitions, pages);
  return pages;
}

/** What other parts of the server answer, for the list of paths. */
const elsewhere = ['/healthz', '/livez', '/readyz'];

function preparePages(definitions: readonly ResourceDefinition[]): ReadonlyMap<string, Page> {
  const groups = groupsOf(definitions);
  const pages = new Map<string, Page>([...discoveryPages(groups), ...openapiPages(groups), ['/version', versionPage]]);
  const paths = ['/', ...pages.keys(), ...elsewhere].toSorted();
  return pages.set('/', jsonPage({ paths }));
}

function discoveryPages(groups: readonly Group[]): [string, Page][] {
  const core = groups.filter(({ name }) => name === '');
  const named = groups.filter(({ name }) => name !== '');
  return [
    ...core.map((group): [string, Page] => ['/api', discoveryPage([group], apiVersions(group))]),
    ['/apis', discoveryPage(named, apiGroupList(named))],
    ...named.map((group): [string, Page] => [`/apis/${group.name}`, jsonPage(apiGroup(group))]),
    ...versionsOf(groups).map((served): [string, Page] => [`/${rootOf(served)}`, jsonPage(apiResourceList(served))]),
  ];
}

const versionsOf = (groups: readonly Group[]): readonly GroupVersion[] => groups.flatMap(({ versions }) => versions);

const versionPage: Page = (call, { version = kylonVersion }) => {
  requireJson(call.accept);
  return jsonAnswer(200, JSON.stringify(versionInfo(version)));
};

function jsonPage(content: unknown): Page {
  const body = JSON.stringify(content);
  return (call) => {
    requireJson(call.accept);
    return jsonAnswer(200, body);
  };
}

/** The aggregated document for those who ask for exactly that, the older list for all others. */
function discoveryPage(groups: readonly Group[], legacy: unknown): Page {
  const aggregated = { v2: documentOf(aggregatedDiscovery(groups, 'v2')), v2beta1: documentOf(aggregatedDiscovery(groups, 'v2beta1')) };
  const older = JSON.stringify(legacy);
  return (call) => {
    const form = discoveryForm(call.accept);
    if (form === 'legacy') return jsonAnswer(200, older, { Vary: 'Accept' });
    const type = `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
    return serve(aggregated[form], call, { 'Content-Type': type, 'Cache-Control': 'public' });
  };
}

function discoveryForm(accept: string): DiscoveryVersion | 'legacy' {
  for (const range of parseAccept(accept)) {
    const form = covers(range, 'application/json') ? formOf(range) : undefined;
    if (form) return form;
  }
  throw notAcceptable(['application/json']);
}

function formOf({ parameters: { as, g, v } }: MediaRange): DiscoveryVersion | 'legacy' | undefined {
  if (as === undefined) return 'legacy';
  return as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && (v === 'v2' || v === 'v2beta1') ? v : undefined;
}

function openapiPages(groups: readonly Group[]): [string, Page][] {
  const versions = versionsOf(groups).map((served) => ({ served, spec: openapiV3(served) }));
  const documents = versions.map(({ served, spec }) => ({ served, document: documentOf(spec) }));
  const hashes = new Map(documents.map(({ served, document }) => [rootOf(served), document.hash]));
  return [
    ['/openapi/v2', openapiPage(documentOf(openapiV2(versions.map(({ spec }) => spec))))],
    ['/openapi/v3', openapiPage(documentOf(openapiV3Root(hashes)))],
    ...documents.map(({ served, document }): [string, Page] => [openapiV3Path(served), hashedPage(document)]),
  ];
}

function openapiPage(document: Document): Page {
  return (call) => {
    requireJson(call.accept);
    return serve(document, call, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache' });
  };
}

const year = 365 * 24 * 3600 * 1000;

/** Never changes where the client names its hash; one who names another gets the current one, since a redirect would not pass the aggregator. */
function hashedPage(document: Document): Page {
  return (call, { clock }) => {
    requireJson(call.accept);
    const lasting = call.query.get('hash') === document.hash;
    const caching = lasting
      ? { 'Cache-Control': 'public, immutable', Expires: new Date(clock.now() + year).toUTCString() }
      : { 'Cache-Control': 'no-cache' };
    return serve(document, call, { 'Content-Type': 'application/json', ...caching });
  };
}

function requireJson(accept: string): void {
  if (!parseAccept(accept).some((range) => covers(range, 'application/json'))) throw notAcceptable(['application/json']);
}
