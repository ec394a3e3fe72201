/**
 * A saved object in the place of a live one: it becomes what was saved, but keeps what the live cluster has added to it and the saved
 * one knows nothing of: uids and addresses, fields of controllers, fields that nobody has set. What users have added goes.
 */
import { isDeepStrictEqual } from 'node:util';
import { textExactly } from '../../base/exact-json.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, isFields } from '../selection/fields.ts';
import { nobody, ownersAt, ownersOf } from './managed-fields.ts';
import type { Owners } from './managed-fields.ts';

/** `clean` is `live` without what a restore leaves out of objects. The result is `live`, field by field, where nothing is to be changed. */
export function threeWay(wanted: ClusterObject, live: ClusterObject, clean: ClusterObject): ClusterObject {
  return merge(withLiveMarks(wanted, live), live, clean, ownersOf(live) ?? nobody) as ClusterObject;
}

/** Whether the live object has all that is wanted, whatever it has besides. */
export function covers(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(live) && wanted.length === live.length && wanted.every((value, at) => covers(live[at], value));
  if (!isFields(wanted)) return isDeepStrictEqual(live, wanted);
  return isFields(live) && Object.entries(wanted).every(([field, value]) => covers(live[field], value));
}

/** Finalizers are locks of those who set them, and owners are known by uids of this cluster: both are added to, never taken from. */
function withLiveMarks(wanted: ClusterObject, live: ClusterObject): ClusterObject {
  const finalizers = [...new Set([...textsOf(live.metadata['finalizers']), ...textsOf(wanted.metadata['finalizers'])])];
  const ownerReferences = joinedReferences(referencesOf(wanted), referencesOf(live));
  const { finalizers: _, ownerReferences: __, ...metadata } = wanted.metadata;
  return {
    ...wanted,
    metadata: {
      ...metadata,
      ...(finalizers.length > 0 && { finalizers }),
      ...(ownerReferences.length > 0 && { ownerReferences }),
    },
  };
}

/** Those of the live object, then the others. A reference to an owner of that name that is gone is replaced; a second controller is left out. */
export function joinedReferences(wanted: readonly OwnerReference[], live: readonly OwnerReference[]): readonly OwnerReference[] {
  const isReplaced = (one: OwnerReference) => wanted.some((other) => isSameOwner(one, other) && one.uid !== other.uid);
  const kept = live.filter((one) => !isReplaced(one));
  const hasController = kept.some(({ controller }) => controller);
  const added = wanted.filter((one) => !kept.some(({ uid }) => uid === one.uid) && !(one.controller && hasController));
  return [...kept, ...added];
}

const isSameOwner = (a: OwnerReference, b: OwnerReference) => a.kind === b.kind && a.name === b.name && groupOf(a) === groupOf(b);
const groupOf = ({ apiVersion }: OwnerReference) => apiVersion.replace(/\/?[^/]*$/, '');

export const referencesOf = ({ metadata }: ClusterObject): readonly OwnerReference[] =>
  Array.isArray(metadata['ownerReferences']) ? (metadata['ownerReferences'] as OwnerReference[]) : [];

const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

function merge(wanted: unknown, live: unknown, clean: unknown, owners: Owners): unknown {
  if (isDeepStrictEqual(wanted, clean)) return live;
  if (isFields(wanted) && isFields(live)) return mergeFields(wanted, live, fieldsOf(clean), owners);
  if (Array.isArray(wanted) && Array.isArray(live)) return mergeLists(wanted, live, Array.isArray(clean) ? clean : [], owners);
  return wanted;
}

function mergeFields(wanted: Fields, live: Fields, clean: Fields, owners: Owners): Fields {
  const both = Object.entries(wanted).map(([field, value]): [string, unknown] => [
    field,
    Object.hasOwn(live, field) ? merge(value, live[field], clean[field], ownersAt(owners, `f:${field}`)) : value,
  ]);
  const extra = Object.entries(live)
    .filter(([field]) => !Object.hasOwn(wanted, field))
    .map(([field, value]): [string, unknown] => [
      field,
      Object.hasOwn(clean, field) ? stayingPart(value, owners, ownersAt(owners, `f:${field}`)) : value,
    ]);
  return Object.fromEntries([...both, ...extra].filter(([, value]) => value !== undefined));
}

/** Of what only the live object has; `above` are the owners of where it lies. */
function stayingPart(live: unknown, above: Owners, owners: Owners): unknown {
  const isSetByNobody = above.all !== undefined && owners.all === undefined;
  return isSetByNobody ? live : controllersPart(live, owners);
}

function controllersPart(live: unknown, owners: Owners): unknown {
  if (owners.controllers === undefined) return undefined;
  if (Object.keys(owners.controllers).length === 0) return live;
  if (isFields(live))
    return unlessEmpty(Object.entries(live).map(([field, value]) => [field, controllersPart(value, ownersAt(owners, `f:${field}`))]));
  const entries = Array.isArray(live) && entriesOf(live, owners);
  const kept = entries ? entries.filter(({ step }) => ownersAt(owners, step).controllers !== undefined) : [];
  return kept.length > 0 ? kept.map(({ value }) => value) : undefined;
}

function unlessEmpty(entries: readonly [string, unknown][]): Fields | undefined {
  const kept = entries.filter(([, value]) => value !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** A list whose entries have owners of their own is merged entry by entry; any other is one value. */
function mergeLists(wanted: readonly unknown[], live: readonly unknown[], clean: readonly unknown[], owners: Owners): readonly unknown[] {
  const [wantedEntries, liveEntries, cleanEntries] = [wanted, live, clean].map((list) => entriesOf(list, owners));
  if (!wantedEntries || !liveEntries || !cleanEntries) return wanted;
  const [liveBy, cleanBy] = [liveEntries, cleanEntries].map((entries) => new Map(entries.map(({ step, value }) => [step, value])));
  const merged = wantedEntries.map(({ step, value }) =>
    liveBy?.has(step) ? merge(value, liveBy.get(step), cleanBy?.get(step), ownersAt(owners, step)) : value,
  );
  const isWanted = new Set(wantedEntries.map(({ step }) => step));
  for (const [at, { step, value }] of liveEntries.entries()) {
    if (isWanted.has(step)) continue;
    const staying = cleanBy?.has(step) ? stayingPart(value, owners, ownersAt(owners, step)) : value;
    if (staying !== undefined) merged.splice(at, 0, staying);
  }
  return merged;
}

interface Entry {
  /** Of managedFields: what leads to this entry. */
  readonly step: string;
  readonly value: unknown;
}

/** Undefined where the entries have no owners of their own, or are not told apart by their keys. */
function entriesOf(list: readonly unknown[], { all }: Owners): readonly Entry[] | undefined {
  const sample = Object.keys(all ?? {}).find((step) => step.startsWith('k:') || step.startsWith('v:'));
  if (sample === undefined) return undefined;
  const keys = sample.startsWith('k:') ? Object.keys(JSON.parse(sample.slice(2)) as object) : undefined;
  const entries = list.map((value) => ({ step: keys ? keyedStep(value, keys) : `v:${textExactly(value)}`, value }));
  return new Set(entries.map(({ step }) => step)).size === entries.length ? entries : undefined;
}

/** The keys are sorted, as the server writes them. */
function keyedStep(value: unknown, keys: readonly string[]): string {
  return `k:${textExactly(Object.fromEntries(keys.map((key) => [key, fieldsOf(value)[key]])))}`;
}
