/** The paths of one group and version with everything that can be done there. */
import type { ContentObject, OperationObject, ParameterObject, PathItemObject, ReferenceObject, ResponsesObject } from 'openapi3-ts/oas30';
import { rootOf } from './group-versions.ts';
import type { GroupVersion } from './group-versions.ts';
import {
  deleteCollectionParameters,
  deleteParameters,
  listParameters,
  pathParameter,
  pretty,
  queryParameter,
  writeParameters,
} from './openapi-parameters.ts';
import { groupVersionKind, schemaReference } from './openapi-schemas.ts';
import type { ResourceDefinition, Subresource } from '../resource.ts';

type Method = 'get' | 'put' | 'post' | 'delete' | 'patch';
type Paths = Record<string, PathItemObject>;

const patchTypes = ['application/json-patch+json', 'application/merge-patch+json'];
const objectTypes = ['application/json', 'application/yaml'];

/** What tells one operation from another. */
interface Plan {
  readonly method: Method;
  /** As in x-kubernetes-action. */
  readonly action: Method | 'list' | 'deletecollection';
  /** Of the operationId: `list`, `replace`. */
  readonly word: string;
  readonly description: string;
  readonly parameters?: readonly ParameterObject[];
  readonly body?: { readonly types: readonly string[]; readonly schema: ReferenceObject; readonly required: boolean };
  /** Statuses of success, and what they carry. */
  readonly codes?: readonly number[];
  readonly answer: {
    readonly types: readonly string[];
    readonly schema: ReferenceObject | { readonly type: 'string'; readonly format?: string } | { readonly anyOf: ReferenceObject[] };
  };
}

/** Where operations stand: what all of one path share. */
interface Place {
  readonly served: GroupVersion;
  readonly kind: string;
  /** Of the operationId: `NamespacedBackupStatus`. */
  readonly suffix: string;
}

export function pathsOf(served: GroupVersion): Paths {
  return Object.assign({}, ...served.definitions.map((definition) => kindPaths(served, definition))) as Paths;
}

function kindPaths(served: GroupVersion, definition: ResourceDefinition): Paths {
  const { kind, plural, namespaced, statusSubresource, subresources } = definition;
  const root = `/${rootOf(served)}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const item = `${collection}/{name}`;
  const above = namespaced ? [pathParameter('namespace', 'Namespace in which the objects lie.')] : [];
  const named = [...above, pathParameter('name', `Name of the ${kind}.`)];
  const place = { served, kind, suffix: `${namespaced ? 'Namespaced' : ''}${kind}` };
  return {
    [collection]: pathItem(place, above, collectionPlans(place)),
    ...(namespaced && { [`${root}/${plural}`]: pathItem({ ...place, suffix: `${kind}ForAllNamespaces` }, [], [listPlan(place)]) }),
    [item]: pathItem(place, named, [readPlan(place), ...writePlans(place), deletePlan(place)]),
    ...(statusSubresource && {
      [`${item}/status`]: pathItem({ ...place, suffix: `${place.suffix}Status` }, named, [readPlan(place), ...writePlans(place)]),
    }),
    ...Object.assign({}, ...subresources.map((sub) => subresourcePaths(place, item, named, sub))),
  };
}

function listPlan({ served, kind }: Place): Plan {
  const answer = objects(schemaReference(served, `${kind}List`));
  return {
    method: 'get',
    action: 'list',
    word: 'list',
    description: `List or watch objects of kind ${kind}.`,
    parameters: listParameters,
    answer,
  };
}

function collectionPlans(place: Place): readonly Plan[] {
  const { served, kind } = place;
  const own = schemaReference(served, kind);
  return [
    listPlan(place),
    {
      method: 'post',
      action: 'post',
      word: 'create',
      description: `Create a ${kind}.`,
      parameters: writeParameters,
      body: { types: objectTypes, schema: own, required: true },
      codes: [200, 201, 202],
      answer: objects(own),
    },
    {
      method: 'delete',
      action: 'deletecollection',
      word: 'deleteCollection',
      description: `Delete all objects of kind ${kind} that are selected.`,
      parameters: deleteCollectionParameters,
      body: deleteBody(served),
      answer: objects(schemaReference(served, 'Status')),
    },
  ];
}

function readPlan({ served, kind }: Place): Plan {
  return { method: 'get', action: 'get', word: 'read', description: `Read one ${kind}.`, answer: objects(schemaReference(served, kind)) };
}

function writePlans({ served, kind }: Place): readonly Plan[] {
  const own = schemaReference(served, kind);
  const shared = { parameters: writeParameters, answer: objects(own) };
  return [
    {
      ...shared,
      method: 'put',
      action: 'put',
      word: 'replace',
      description: `Replace a ${kind}.`,
      body: { types: objectTypes, schema: own, required: true },
      codes: [200, 201],
    },
    {
      ...shared,
      method: 'patch',
      action: 'patch',
      word: 'patch',
      description: `Change parts of a ${kind}.`,
      body: { types: patchTypes, schema: schemaReference(served, 'Patch'), required: true },
    },
  ];
}

/** What has finalizers is answered as it is now, what is gone with a Status. */
function deletePlan({ served, kind }: Place): Plan {
  return {
    method: 'delete',
    action: 'delete',
    word: 'delete',
    description: `Delete a ${kind}.`,
    parameters: deleteParameters,
    body: deleteBody(served),
    codes: [200, 202],
    answer: { types: objectTypes, schema: { anyOf: [schemaReference(served, 'Status'), schemaReference(served, kind)] } },
  };
}

const methodOf = { get: 'get', create: 'post', update: 'put', delete: 'delete' } as const;
const wordOf = { get: 'read', create: 'create', update: 'replace', delete: 'delete' } as const;

function subresourcePaths({ served, suffix }: Place, item: string, named: readonly ParameterObject[], sub: Subresource): Paths {
  const place = { served, kind: sub.kind, suffix: `${suffix}${capitalized(sub.name)}` };
  const plans = sub.verbs.map((verb) => subresourcePlan(served, sub, verb));
  const path = `${item}/${sub.name}`;
  if (!sub.subpath) return { [path]: pathItem(place, named, plans) };
  const deeper = [...named, pathParameter('path', `What follows ${sub.name} in the path.`)];
  return {
    [path]: pathItem(place, named, plans),
    [`${path}/{path}`]: pathItem(
      { ...place, suffix: `${place.suffix}WithPath` },
      deeper,
      sub.produces === 'application/json' ? plans.map(asText) : plans,
    ),
  };
}

function subresourcePlan(served: GroupVersion, sub: Subresource, verb: Subresource['verbs'][number]): Plan {
  const method = methodOf[verb];
  return {
    method,
    action: method,
    word: wordOf[verb],
    description: sub.description,
    parameters: sub.parameters.map(({ name, type, description }) => queryParameter(name, type, description)),
    ...((verb === 'create' || verb === 'update') && {
      body: { types: objectTypes, schema: schemaReference(served, sub.kind), required: false },
    }),
    ...(verb === 'delete' && { body: deleteBody(served) }),
    codes: verb === 'create' ? [201] : [200],
    answer:
      sub.produces === 'application/json'
        ? objects(schemaReference(served, verb === 'delete' ? 'Status' : sub.kind))
        : { types: [sub.produces], schema: sub.produces.startsWith('text/') ? { type: 'string' } : { type: 'string', format: 'binary' } },
  };
}

/** Below a list of its own lies whatever was kept there, of any kind. */
const asText = (plan: Plan): Plan => ({ ...plan, parameters: [], answer: { types: objectTypes, schema: { type: 'string' } } });

const objects = (schema: ReferenceObject) => ({ types: objectTypes, schema });
const deleteBody = (served: GroupVersion) => ({ types: objectTypes, schema: schemaReference(served, 'DeleteOptions'), required: false });

function pathItem(place: Place, path: readonly ParameterObject[], plans: readonly Plan[]): PathItemObject {
  return {
    parameters: [...path, pretty],
    ...Object.fromEntries(plans.map((plan) => [plan.method, operation(place, plan)])),
  };
}

function operation({ served, kind, suffix }: Place, plan: Plan): OperationObject {
  const { body, parameters = [], codes = [200] } = plan;
  return {
    tags: [identifier(served, false)],
    description: plan.description,
    operationId: `${plan.word}${identifier(served, true)}${suffix}`,
    ...(parameters.length > 0 && { parameters: [...parameters] }),
    ...(body && { requestBody: { content: contentOf(body), ...(body.required && { required: true }) } }),
    responses: responsesOf(codes, contentOf(plan.answer), schemaReference(served, 'Status')),
    'x-kubernetes-action': plan.action,
    'x-kubernetes-group-version-kind': groupVersionKind(served, kind),
  };
}

const successes: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

/** Whatever is no success is a Status, and JSON, whatever was asked for. */
function responsesOf(codes: readonly number[], content: ContentObject, status: ReferenceObject): ResponsesObject {
  const good = codes.map((code) => [String(code), { description: successes[code] ?? '', content }]);
  const fault = { 'application/json': { schema: status } };
  return {
    ...Object.fromEntries(good),
    '401': { description: 'Unauthorized', content: fault },
    default: { description: 'Refused or failed', content: fault },
  } as ResponsesObject;
}

function contentOf({ types, schema }: Plan['answer']): ContentObject {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

/** `BackupKylonIoV1alpha1` in ids, `backupKylonIo_v1alpha1` as a tag. */
function identifier({ group, version }: GroupVersion, capital: boolean): string {
  const [first = '', ...rest] = (group || 'core').split(/[.-]/);
  const name = [capital ? capitalized(first) : first, ...rest.map(capitalized)].join('');
  return capital ? `${name}${capitalized(version)}` : `${name}_${version}`;
}

const capitalized = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
