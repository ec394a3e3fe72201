/**
 * A saved object in the place of a live one: it becomes what was saved, but keeps what the live cluster has added to it and the saved
 * one knows nothing of: uids and addresses, fields of controllers, fields that nobody has set. What users have added goes.
 */
import { isDeepStrictEqual } from 'node:util';
import { textExactly } from '../../base/exact-json.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, isFields } from '../selection/fields.ts';
import { ownersAt, ownersOf } from './managed-fields.ts';
import type { Owners } from './managed-fields.ts';
import { joinedReferences, referencesOf } from './owner-references.ts';

/** `clean` is `live` without what a restore leaves out of objects. The result is `live`, field by field, where nothing is to be changed. */
export function threeWay(wanted: ClusterObject, live: ClusterObject, clean: ClusterObject): ClusterObject {
  return meet(withLiveMarks(wanted, live), live, clean, ownersOf(live)).updated as ClusterObject;
}

/**
 * What of the live object counts: `clean` without what an update would leave alone. It equals `wanted` where an update would
 * change nothing.
 */
export function countedOf(wanted: ClusterObject, live: ClusterObject, clean: ClusterObject): ClusterObject {
  return meet(wanted, live, clean, ownersOf(live)).counted as ClusterObject;
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

const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** What becomes of one place of both objects; undefined where nothing is left of it. */
interface Meeting {
  /** What an update puts there. */
  readonly updated: unknown;
  /** What of the live value counts. */
  readonly counted: unknown;
}

function meet(wanted: unknown, live: unknown, clean: unknown, owners: Owners): Meeting {
  if (isDeepStrictEqual(wanted, clean)) return { updated: live, counted: clean };
  if (isFields(wanted) && isFields(live)) return meetFields(wanted, live, fieldsOf(clean), owners);
  const lists = Array.isArray(wanted) && Array.isArray(live) && meetLists(wanted, live, Array.isArray(clean) ? clean : [], owners);
  return lists || (isReport(owners) ? { updated: live, counted: wanted } : { updated: wanted, counted: clean });
}

const isReport = ({ all, decided }: Owners) => all !== undefined && decided === undefined;

function meetFields(wanted: Fields, live: Fields, clean: Fields, owners: Owners): Meeting {
  const met = Object.keys({ ...wanted, ...live }).map((name): readonly [string, Meeting] => {
    if (!Object.hasOwn(live, name)) return [name, { updated: wanted[name], counted: undefined }];
    const below = ownersAt(owners, `f:${name}`);
    if (Object.hasOwn(wanted, name)) return [name, meet(wanted[name], live[name], clean[name], below)];
    return [name, Object.hasOwn(clean, name) ? divide(live[name], below) : { updated: live[name], counted: undefined }];
  });
  return { updated: fieldsFrom(met, 'updated'), counted: fieldsFrom(met, 'counted') };
}

const fieldsFrom = (met: readonly (readonly [string, Meeting])[], side: keyof Meeting): Fields =>
  Object.fromEntries(met.map(([name, found]) => [name, found[side]]).filter(([, value]) => value !== undefined));

/** A list whose entries have owners of their own meets entry by entry; of any other, undefined: it is one value. */
function meetLists(wanted: readonly unknown[], live: readonly unknown[], clean: readonly unknown[], owners: Owners): Meeting | undefined {
  const [wantedBy, liveBy, cleanBy] = [wanted, live, clean].map((list) => entriesOf(list, owners));
  if (!wantedBy || !liveBy || !cleanBy) return undefined;
  const met = new Map(
    [...liveBy].map(([step, value]): [string, Meeting] => {
      const below = ownersAt(owners, step);
      if (wantedBy.has(step)) return [step, meet(wantedBy.get(step), value, cleanBy.get(step), below)];
      return [step, cleanBy.has(step) ? divideEntry(value, below) : { updated: value, counted: undefined }];
    }),
  );
  const updated = [...wantedBy].map(([step, value]) => met.get(step)?.updated ?? value);
  for (const [at, [step, { updated: staying }]] of [...met].entries())
    if (!wantedBy.has(step) && staying !== undefined) updated.splice(at, 0, staying);
  return { updated, counted: [...met.values()].map(({ counted }) => counted).filter((value) => value !== undefined) };
}

/** What only the live object has: what a user has set counts and goes, with the defaults in it; all else stays. */
function divide(live: unknown, owners: Owners): Meeting {
  if (owners.users === undefined) return { updated: live, counted: undefined };
  const isWhole = Object.keys(owners.users).length === 0;
  if (!isWhole && isFields(live)) return divideFields(live, owners);
  const entries = !isWhole && Array.isArray(live) ? entriesOf(live, owners) : undefined;
  return entries ? divideList(entries, owners) : { updated: undefined, counted: live };
}

function divideFields(live: Fields, owners: Owners): Meeting {
  const parts = Object.entries(live).map(([name, value]) => [name, dividePart(value, ownersAt(owners, `f:${name}`), divide)] as const);
  const [updated, counted] = [fieldsFrom(parts, 'updated'), fieldsFrom(parts, 'counted')];
  return { updated: unlessEmpty(updated), counted: unlessEmpty(counted) };
}

function divideList(entries: Entries, owners: Owners): Meeting {
  const parts = [...entries].map(([step, value]) => dividePart(value, ownersAt(owners, step), divideEntry));
  const values = (side: keyof Meeting) => parts.map((part) => part[side]).filter((value) => value !== undefined);
  return { updated: unlessEmpty(values('updated')), counted: unlessEmpty(values('counted')) };
}

/** Of something that a user has set. */
function dividePart(live: unknown, owners: Owners, otherwise: (live: unknown, owners: Owners) => Meeting): Meeting {
  return owners.all === undefined ? { updated: undefined, counted: undefined } : otherwise(live, owners);
}

/** An entry stays or goes as a whole: half a container is none. */
function divideEntry(live: unknown, owners: Owners): Meeting {
  const { updated, counted } = divide(live, owners);
  return { updated: counted === undefined ? updated : undefined, counted };
}

const unlessEmpty = <T extends object>(value: T): T | undefined => (Object.keys(value).length > 0 ? value : undefined);

/** By what leads to them in managedFields. */
type Entries = ReadonlyMap<string, unknown>;

/** Undefined where the entries have no owners of their own, or are not told apart by their keys. */
function entriesOf(list: readonly unknown[], { all }: Owners): Entries | undefined {
  const sample = Object.keys(all ?? {}).find((step) => step.startsWith('k:') || step.startsWith('v:'));
  if (sample === undefined) return undefined;
  const keys = sample.startsWith('k:') ? Object.keys(JSON.parse(sample.slice(2)) as object) : undefined;
  const entries = new Map(list.map((value) => [keys ? keyedStep(value, keys) : `v:${textExactly(value)}`, value]));
  return entries.size === list.length ? entries : undefined;
}

/** The keys are sorted, as the server writes them. */
function keyedStep(value: unknown, keys: readonly string[]): string {
  return `k:${textExactly(Object.fromEntries(keys.map((key) => [key, fieldsOf(value)[key]])))}`;
}
