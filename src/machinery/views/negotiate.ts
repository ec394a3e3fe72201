/** Picks the representation that a request asks for in its Accept header. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
import { covers, parseAccept } from './accept.ts';
import type { MediaRange } from './accept.ts';
import type { Api } from '../api.ts';
import type { Call } from '../call.ts';
import { ApiError, badRequest, notAcceptable } from '../errors.ts';
import { compactJson, indentedJson, yamlFormat } from './format.ts';
import type { Format } from './format.ts';
import { partialView } from './partial.ts';
import { plainView } from './plain.ts';
import { represent } from './represent.ts';
import type { Representation } from '../representation.ts';
import type { ResourceCall } from '../resource.ts';
import { tableView } from './table.ts';
import type { IncludeObject } from './table.ts';
import type { View } from './view.ts';

type Shape = 'object' | 'list' | 'watch';

/** Throws ApiError 406 when nothing that the client accepts can be served, 400 for a bad `includeObject`. */
export function negotiate(api: Api, call: ResourceCall, shape: Shape): Representation {
  for (const range of parseAccept(call.accept)) {
    const format = formatFor(range, call, shape);
    const view = format && viewFor(range, api, call, shape);
    if (view) return represent(view, format);
  }
  throw notAcceptable(shape === 'watch' ? ['application/json;stream=watch'] : ['application/json', 'application/yaml']);
}

/** Whether the answer is meant for the eyes of a person. */
export function wantsIndentation(call: Pick<Call, 'query' | 'userAgent'>, range?: MediaRange): boolean {
  const asked = call.query.get('pretty') ?? range?.parameters['pretty'];
  return asked === undefined ? /^(curl|Wget|Mozilla\/5\.0)/.test(call.userAgent) : asked === 'true' || asked === '1';
}

function formatFor(range: MediaRange, call: ResourceCall, shape: Shape): Format | undefined {
  if (covers(range, 'application/json')) return wantsIndentation(call, range) ? indentedJson : compactJson;
  return shape !== 'watch' && covers(range, 'application/yaml') ? yamlFormat : undefined;
}

function viewFor({ parameters }: MediaRange, api: Api, call: ResourceCall, shape: Shape): View | undefined {
  const { as, g, v } = parameters;
  if (as === undefined) return plainView;
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined;
  if (as === 'Table') return tableView({ version: v, include: includeObject(call.query), now: () => api.clock.now() });
  if (as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') return undefined;
  refuseMismatch(as, call, shape);
  return partialView(v);
}

function refuseMismatch(as: string, { definition }: ResourceCall, shape: Shape): void {
  const wanted = as === 'PartialObjectMetadataList';
  if (wanted === (shape === 'list')) return;
  const found = wanted ? `not a list (${definition.kind})` : `a list (${definition.kind}List)`;
  throw new ApiError(406, 'NotAcceptable', `you requested ${as}, but the requested object is ${found}`);
}

function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}
