/**
 * The grammar of Kubernetes paths, read once per request: the same result decides authorization and handler.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris. Like kube-apiserver, and unlike common
 * routers, it tells upper from lower case, and knows no trailing slash.
 */
import type { ResourceTarget, Target } from './call.ts';
import { badRequest, quote } from './errors.ts';
import { booleanParameter } from './input/query-values.ts';

/** Rejects with ApiError 400 what cannot be decoded, and names that no object can have. */
export function parseTarget(method: string, url: string): Target {
  const [rawPath, rawQuery] = splitUrl(url);
  const query = new URLSearchParams(rawQuery);
  const parts = rawPath.split('/').map(decode);
  const upper = method.toUpperCase();
  const request = resourceRequest(upper, parts, query);
  return { method: upper, path: parts.join('/'), query, verb: request?.verb ?? upper.toLowerCase(), resource: request?.resource };
}

interface ResourceRequest {
  readonly verb: string;
  readonly resource: ResourceTarget;
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** These follow the name of a namespace and are still about the namespace itself. */
const namespaceSubresources = new Set(['status', 'finalize']);

function resourceRequest(method: string, parts: readonly string[], query: URLSearchParams): ResourceRequest | undefined {
  const place = groupVersionOf(parts);
  const verb = verbs[method];
  if (!place || !verb || place.rest.length === 0 || place.rest.some((part) => part === '' || part.includes('/'))) return undefined;
  place.rest.forEach(refuseImpossibleName);
  const { group, version } = place;
  const viaPath = place.rest[0] === 'watch';
  const rest = viaPath ? place.rest.slice(1) : place.rest;
  if (rest.length === 0 || (viaPath && verb !== 'get')) return undefined;
  const { namespace, own } = namespaceOf(rest);
  const [resource = '', name, subresource, ...subpath] = own;
  return collection({ group, version, resource, namespace, name, subresource, subpath }, viaPath ? 'watch' : verb, query);
}

/** `/api/V/…` and `/apis/G/V/…`; the first part is what stands before the first slash: nothing. */
function groupVersionOf([before, prefix, ...rest]: readonly string[]) {
  if (before !== '') return undefined;
  const [group, version, ...others] = prefix === 'api' ? ['', ...rest] : rest;
  const isGroup = prefix === 'api' || (prefix === 'apis' && isPlain(group));
  return isGroup && group !== undefined && isPlain(version) ? { group, version, rest: others } : undefined;
}

const isPlain = (part: string | undefined): part is string => part !== undefined && part !== '' && !part.includes('/');

/** `namespaces/N/things/…` is about things in N; `namespaces/N`, and its own subresources, about the namespace, which lies in itself. */
function namespaceOf(rest: readonly string[]): { readonly namespace: string | undefined; readonly own: readonly string[] } {
  const [first, namespace, next] = rest;
  if (first !== 'namespaces' || namespace === undefined) return { namespace: undefined, own: rest };
  return { namespace, own: next === undefined || namespaceSubresources.has(next) ? rest : rest.slice(2) };
}

/** Without a name, get is list or watch, and delete is deletecollection; a selector for one name counts as that name. */
function collection(resource: ResourceTarget, verb: string, query: URLSearchParams): ResourceRequest {
  if (resource.name !== undefined) return { verb, resource };
  if (verb === 'delete') return { verb: 'deletecollection', resource };
  if (verb !== 'get' && verb !== 'watch') return { verb, resource };
  const watch = verb === 'watch' || booleanParameter(query, 'watch') === true;
  return { verb: watch ? 'watch' : 'list', resource: { ...resource, name: selectedName(query.get('fieldSelector')) } };
}

/** X of `metadata.name=X`, alone or among other requirements. */
function selectedName(fieldSelector: string | null): string | undefined {
  for (const requirement of fieldSelector?.split(/(?<!\\),/) ?? []) {
    const name = /^metadata\.name==?([^=].*)$/.exec(requirement)?.[1]?.replaceAll(/\\([\\,=])/g, '$1');
    if (name !== undefined && !name.includes('/') && !impossible(name)) return name;
  }
  return undefined;
}

function splitUrl(url: string): readonly [path: string, query: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw badRequest(`the path has a part that cannot be decoded: ${quote(part)}`, cause);
  }
}

function refuseImpossibleName(part: string): void {
  const why = impossible(part);
  if (why) throw badRequest(`invalid name ${quote(part)} in the path: ${why}`);
}

/** https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/path/name.go */
function impossible(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  return name.includes('%') ? "may not contain '%'" : undefined;
}
