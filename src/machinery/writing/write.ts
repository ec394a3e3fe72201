/** How an object is made and changed, whoever asks: over HTTP or in this process. */
import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '../../base/clock.ts';
import { parseExactly } from '../../base/exact-json.ts';
import { admitChange, admitCreation, admitNamespace, referenceFaults } from './admission.ts';
import type { Api } from '../api.ts';
import { decode, encode } from '../encode.ts';
import { ApiError, alreadyExists, beingDeleted, conflict, invalid, notFound, objectTooLarge, qualified, quote } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { groupResource, objectKey } from '../keys.ts';
import { metadataFaults, nameFaults } from './metadata-faults.ts';
import { metadataForCreate, warnOfBareFinalizers, withoutDuplicateOwners } from './metadata.ts';
import { countsGenerations, nextState } from './next-state.ts';
import type { Part } from './next-state.ts';
import type { KubeObject } from '../object.ts';
import type { Shown } from '../representation.ts';
import type { ResourceDefinition } from '../resource.ts';
import { schemaFaults } from '../input/schema-faults.ts';
import { StorageConflict, StorageExists, StorageMissing } from '../storage.ts';
import type { ObjectKey } from '../storage.ts';
import { turnsFor } from './turns.ts';
import type { User } from '../user.ts';

export interface Writer {
  readonly user: User;
  /** Everything is done but the write itself. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
}

/** Of the text that is kept, in bytes; as much as etcd takes. */
const maxObject = 1.5 * 1024 * 1024;
/** Names made up for one object before giving up, and tries to change one that others change too. */
const nameTries = 8;
const maxRetries = 5;

/** Makes a name where `generateName` asks for one. A dry run answers without a number: rv 0. Rejects with ApiError. */
export async function createObject(api: Api, definition: ResourceDefinition, sent: KubeObject, writer: Writer): Promise<Shown> {
  const { name, generateName } = sent.metadata;
  if (name || !generateName) return createNamed(api, definition, sent, name, writer);
  for (let attempt = 1; ; attempt += 1) {
    const made = `${generateName.slice(0, 58)}${api.ids.suffix(5)}`;
    try {
      return await createNamed(api, definition, sent, made, writer);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
      if (attempt === nameTries) throw noNameLeft(definition, made);
    }
  }
}

async function createNamed(api: Api, definition: ResourceDefinition, sent: KubeObject, name: string, writer: Writer): Promise<Shown> {
  const object = newObject(api, definition, sent, name, writer);
  refuse(definition, object, [
    ...nameFaults(object.metadata, definition.rules.nameForm),
    ...metadataFaults(object.metadata, undefined),
    ...schemaFaults(definition, object, fieldsSent(definition)),
  ]);
  await admitNamespace(api, definition, object, writer.signal);
  await admitCreation(api, definition, object, writer.user, writer.signal);
  const prepared = definition.rules.prepareForCreate?.(object, writer.user) ?? object;
  refuse(definition, prepared, definition.rules.validate?.(prepared, undefined) ?? []);
  refuse(definition, prepared, await referenceFaults(api, definition, prepared, writer.signal));
  return store(api, definition, objectKey(definition, object.metadata.namespace, name), textOf(prepared), writer);
}

function newObject(api: Api, definition: ResourceDefinition, sent: KubeObject, name: string, writer: Writer): KubeObject {
  warnOfBareFinalizers(sent.metadata, undefined, writer.warn);
  const metadata = metadataForCreate(withoutDuplicateOwners(sent.metadata, writer.warn), {
    name,
    namespace: definition.namespaced ? sent.metadata.namespace : undefined,
    uid: api.ids.uuid(),
    at: rfc3339(api.clock.now()),
    counted: countsGenerations(definition),
  });
  const { status, ...rest } = sent;
  return { ...rest, metadata, ...(!definition.statusSubresource && status !== undefined && { status }) };
}

function fieldsSent({ fields, statusSubresource }: ResourceDefinition): readonly string[] {
  return Object.keys(fields).filter((field) => !(statusSubresource && field === 'status'));
}

async function store(api: Api, definition: ResourceDefinition, key: ObjectKey, json: string, { dryRun, signal }: Writer): Promise<Shown> {
  if (dryRun) {
    if (await api.storage.get(key, signal)) throw await nameTaken(api, definition, key, signal);
    return { json, rv: 0 };
  }
  try {
    return { json, rv: await api.storage.write({ op: 'create', key, json }, signal) };
  } catch (error) {
    throw error instanceof StorageExists ? await nameTaken(api, definition, key, signal) : error;
  }
}

async function nameTaken(api: Api, definition: ResourceDefinition, key: ObjectKey, signal: AbortSignal): Promise<ApiError> {
  const there = await api.storage.get(key, signal);
  const going = there && decode(there).metadata.deletionTimestamp !== undefined;
  return (going ? beingDeleted : alreadyExists)(groupResource(definition), key.name);
}

/**
 * Reads, changes, writes; again from the start when another process was faster. `change` sees the object as it is now and
 * throws what it does not like about it; it may be called several times, and returns its argument to leave all as it is.
 * A change that changes nothing is not written. One that takes the last finalizer off an object that is going deletes it.
 */
export function updateObject(
  api: Api,
  definition: ResourceDefinition,
  key: ObjectKey,
  part: Part,
  change: (old: KubeObject) => KubeObject,
  writer: Writer,
): Promise<Shown> {
  return inTurn(api, definition, key, () => updateOnce(api, definition, key, part, change, writer));
}

async function updateOnce(
  api: Api,
  definition: ResourceDefinition,
  key: ObjectKey,
  part: Part,
  change: (old: KubeObject) => KubeObject,
  writer: Writer,
): Promise<Shown> {
  writer.signal.throwIfAborted();
  const stored = await api.storage.get(key, writer.signal);
  if (!stored) throw notFound(groupResource(definition), key.name);
  const old = decode(stored);
  const sent = change(old);
  if (sent === old) return stored;
  const next = nextState(definition, old, sent, part, writer);
  const json = textOf(next);
  if (isDeepStrictEqual(parseExactly(json), parseExactly(stored.json))) return stored;
  await admitChange(api, definition, { next, old }, writer.user, writer.signal);
  refuse(definition, next, changeFaults(definition, next, old));
  if (writer.dryRun) return { json, rv: stored.rv };
  const expect = stored.rv;
  const goes = next.metadata.deletionTimestamp !== undefined && !next.metadata.finalizers?.length;
  return { json, rv: await api.storage.write(goes ? { op: 'delete', key, expect } : { op: 'update', key, json, expect }, writer.signal) };
}

/** What was right once may stay, also where the schema has become stricter: only fields that change are held against it. */
function changeFaults(definition: ResourceDefinition, next: KubeObject, old: KubeObject): readonly FieldError[] {
  const changed = Object.keys(definition.fields).filter((field) => !isDeepStrictEqual(next[field], old[field]));
  return [
    ...metadataFaults(next.metadata, old.metadata),
    ...schemaFaults(definition, next, changed),
    ...(definition.rules.validate?.(next, old) ?? []),
  ];
}

/** One writer of this process after the other, and each again while other processes are faster. Rejects with ApiError 409 in the end. */
export function inTurn<T>(api: Api, definition: ResourceDefinition, key: ObjectKey, work: () => Promise<T>): Promise<T> {
  return turnsFor(api.storage).take(`${key.resource}/${key.namespace}/${key.name}`, async () => {
    for (let attempt = 0; attempt <= maxRetries; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StorageConflict) && !(error instanceof StorageMissing)) throw error;
      }
    }
    throw conflict(groupResource(definition), key.name);
  });
}

/** The text to keep. Throws ApiError 413. */
export function textOf(object: KubeObject): string {
  const json = encode(object);
  const bytes = Buffer.byteLength(json);
  if (bytes > maxObject) throw objectTooLarge(bytes, maxObject);
  return json;
}

function refuse({ group, kind }: ResourceDefinition, { metadata }: KubeObject, faults: readonly FieldError[]): void {
  if (faults.length > 0) throw invalid({ group, kind }, metadata.name, faults);
}

function noNameLeft(definition: ResourceDefinition, name: string): ApiError {
  const what = groupResource(definition);
  const message = `${qualified(what)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`;
  const details = { name, ...(what.group && { group: what.group }), kind: what.resource, retryAfterSeconds: 1 };
  return new ApiError(409, 'AlreadyExists', message, details);
}
