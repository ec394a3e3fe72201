/** The API for the engine and for handlers of subresources: the verbs' own core, without a request. */
import type { Api } from './api.ts';
import { decodeObject } from './input/decode-object.ts';
import { decode } from './encode.ts';
import { ApiError, notFound } from './errors.ts';
import { followObjects } from './reading/follow.ts';
import { matchesLabels, mayMatch, parseLabelSelector } from './reading/labels.ts';
import { groupResource, objectKey, resourceKey } from './keys.ts';
import type { Part } from './writing/next-state.ts';
import type { KubeObject } from './object.ts';
import type { ListedBy, ObjectRef, Objects } from './objects.ts';
import { usersOf } from './writing/admission.ts';
import { deleteObject } from './writing/remove.ts';
import type { ResourceDefinition } from './resource.ts';
import type { Storage } from './storage.ts';
import { toApiError } from './storage-errors.ts';
import { kylonUser } from './user.ts';
import { createObject, updateObject } from './writing/write.ts';
import type { Writer } from './writing/write.ts';

export function createObjects(api: Api): Objects {
  return {
    get: (definition, namespace, name, signal) => told(definition, name, () => getObject(api, definition, namespace, name, signal)),
    list: (definition, options, signal) => told(definition, '', () => listObjects(api, definition, options, signal)),
    each: (definition, signal) => eachObject(api.storage, definition, signal),
    create: (definition, object, user, options, signal) =>
      told(definition, object.metadata.name, async () => {
        const sent = decodeObject(definition, { value: object, duplicates: [] }, 'Ignore', ignore);
        return decode(await createObject(api, definition, sent, { user, dryRun: options.dryRun, signal, warn: ignore }));
      }),
    update: (definition, target, part, change, signal) =>
      told(definition, target.name, () => updateTarget(api, definition, target, part, change, signal)),
    delete: (definition, target, signal) => told(definition, target.name, () => deleteTarget(api, definition, target, signal)),
    usersOf: (definition, object, signal) => told(definition, object.metadata.name, () => usersOf(api, definition, object, signal)),
    watch: (definition, signal) => followObjects(api, definition, signal),
  };
}

const ignore = () => {};

const asKylon = (signal: AbortSignal): Writer => ({ user: kylonUser, dryRun: false, signal, warn: ignore });

async function getObject(api: Api, definition: ResourceDefinition, namespace: string, name: string, signal: AbortSignal) {
  const stored = await api.storage.get(objectKey(definition, namespace, name), signal);
  return stored && decode(stored);
}

/** All objects of a kind as of one moment, not before the call. Rejects as storage does. */
export async function* eachObject(storage: Storage, definition: ResourceDefinition, signal: AbortSignal): AsyncGenerator<KubeObject> {
  const { items } = await storage.list({ resource: resourceKey(definition), at: 'latest' }, signal);
  for await (const page of items) yield* page.map(decode);
}

async function listObjects(api: Api, definition: ResourceDefinition, { namespace, labelSelector = '' }: ListedBy, signal: AbortSignal) {
  const scope = definition.namespaced && namespace !== undefined ? { namespace } : {};
  const selector = parseLabelSelector(labelSelector);
  const canMatch = mayMatch(selector);
  const page = await api.storage.list({ resource: resourceKey(definition), at: 'latest', ...scope }, signal);
  const objects: KubeObject[] = [];
  for await (const items of page.items) {
    const decoded = items.filter(({ json }) => canMatch(json)).map(decode);
    objects.push(...decoded.filter(({ metadata }) => matchesLabels(selector, metadata.labels)));
  }
  return objects;
}

async function updateTarget(
  api: Api,
  definition: ResourceDefinition,
  target: ObjectRef,
  part: Part,
  change: (object: KubeObject) => KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const key = objectKey(definition, target.namespace, target.name);
  const changeTarget = (object: KubeObject) => {
    if (object.metadata.uid !== target.uid) throw notFound(groupResource(definition), target.name);
    return change(object);
  };
  try {
    return decode(await updateObject(api, definition, key, part, changeTarget, asKylon(signal)));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What is gone already, or has been made anew under the same name, needs no deletion. */
async function deleteTarget(api: Api, definition: ResourceDefinition, target: ObjectRef, signal: AbortSignal): Promise<void> {
  const there = await getObject(api, definition, target.namespace, target.name, signal);
  if (there?.metadata.uid !== target.uid) return;
  const how = { propagation: undefined, preconditions: { uid: target.uid } };
  try {
    await deleteObject(api, definition, objectKey(definition, target.namespace, target.name), how, asKylon(signal));
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

const isGone = (error: unknown) => error instanceof ApiError && error.code === 404;

/** Does it, and tells errors of storage as a client would be told. */
async function told<T>(definition: ResourceDefinition, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toApiError(error, groupResource(definition), name);
  }
}
