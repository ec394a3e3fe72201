/** From a request for a resource to the verb that answers it. Paths that name no resource are discovery's. */
import type { Api } from './api.ts';
import type { Answer, Call, ResourceTarget } from './call.ts';
import { decode } from './encode.ts';
import { methodNotAllowed, methodNotSupported, noSuchPath } from './errors.ts';
import { groupResource } from './keys.ts';
import type { ResourceCall, ResourceDefinition, Subresource } from './resource.ts';
import { toApiError } from './storage-errors.ts';
import { create } from './verbs/create.ts';
import { deleteOne } from './verbs/delete.ts';
import { deleteCollection } from './verbs/deletecollection.ts';
import { fetchObject, get } from './verbs/get.ts';
import { list } from './verbs/list.ts';
import { patch } from './verbs/patch.ts';
import { update } from './verbs/update.ts';
import { watch } from './verbs/watch.ts';

type Verb = (api: Api, call: ResourceCall) => Promise<Answer>;

/** Whether a verb is about one object, about a collection in one place, or, like list, about whatever the path names. */
interface Entry {
  readonly run: Verb;
  readonly on: 'object' | 'collection' | 'any';
}

/** A new object needs a namespace to lie in, and nothing is deleted in all namespaces at once. */
const verbs: Readonly<Record<string, Entry>> = {
  get: { run: get, on: 'object' },
  list: { run: list, on: 'any' },
  watch: { run: watch, on: 'any' },
  create: { run: create, on: 'collection' },
  update: { run: update, on: 'object' },
  patch: { run: patch, on: 'object' },
  delete: { run: deleteOne, on: 'object' },
  deletecollection: { run: deleteCollection, on: 'collection' },
};

const statusVerbs: Readonly<Record<string, Verb>> = { get, update, patch };

/** Rejects with ApiError for all that a client may be told. The call is for a resource: `call.resource` is set. */
export async function dispatch(api: Api, call: Call): Promise<Answer> {
  const { resource } = call;
  const definition = resource && definitionFor(api, resource);
  if (!resource || !definition) throw noSuchPath();
  const run = handlerFor(call, resource, definition);
  try {
    return await run(api, { ...call, resource, definition, warn: (text) => call.warn(text) });
  } catch (error) {
    throw toApiError(error, groupResource(definition), resource.name ?? '');
  }
}

function definitionFor({ definitions }: Api, target: ResourceTarget): ResourceDefinition | undefined {
  const { group, version, resource } = target;
  const found = definitions.find((each) => each.plural === resource && each.group === group && each.version === version);
  return found && fits(found, target) ? found : undefined;
}

/** An object is asked for where it lies. A Namespace lies in none, though its path names it as one. */
function fits(definition: ResourceDefinition, { namespace, name, group, resource }: ResourceTarget): boolean {
  if (definition.namespaced) return true;
  return namespace === undefined || (group === '' && resource === 'namespaces' && namespace === name);
}

function handlerFor(call: Call, target: ResourceTarget, definition: ResourceDefinition): Verb {
  if (target.subresource === undefined) return verbFor(call, target, definition);
  requireObjectPath(target, definition);
  if (target.subresource === 'status' && definition.statusSubresource && target.subpath.length === 0)
    return (Object.hasOwn(statusVerbs, call.verb) ? statusVerbs[call.verb] : undefined) ?? notOffered(call, target, definition);
  const subresource = definition.subresources.find(({ name }) => name === target.subresource);
  if (!subresource || (target.subpath.length > 0 && !subresource.subpath)) throw noSuchPath();
  if (!subresource.verbs.some((verb) => verb === call.verb)) notOffered(call, target, definition);
  return (api, call) => onObject(api, call, subresource);
}

function verbFor(call: Call, target: ResourceTarget, definition: ResourceDefinition): Verb {
  const entry = Object.hasOwn(verbs, call.verb) ? verbs[call.verb] : undefined;
  if (!entry) throw methodNotAllowed();
  const named = target.name !== undefined;
  const outside = definition.namespaced && target.namespace === undefined;
  if (entry.on === 'object' && named) requireObjectPath(target, definition);
  if (entry.on === 'object' && !named) notOffered(call, target, definition);
  if (entry.on === 'collection' && (named || outside)) notOffered(call, target, definition);
  return entry.run;
}

/** One object of a namespaced kind is found only through its namespace. */
function requireObjectPath({ namespace }: ResourceTarget, { namespaced }: ResourceDefinition): void {
  if (namespaced && namespace === undefined) throw noSuchPath();
}

function notOffered({ verb }: Call, { subresource }: ResourceTarget, definition: ResourceDefinition): never {
  const { group, resource } = groupResource(definition);
  throw methodNotSupported({ group, resource: subresource === undefined ? resource : `${resource}/${subresource}` }, verb);
}

async function onObject(api: Api, call: ResourceCall, subresource: Subresource): Promise<Answer> {
  const object = decode(await fetchObject(api, call));
  return subresource.handle(object, call, api.services);
}
