/** One prepared object into the cluster: made, or where one goes by its name already, dealt with by policy. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Outcome } from '../../resources/services.ts';
import { throwIfAborted } from '../runs/failure.ts';
import { isDeleted } from '../runs/run-status.ts';
import { namespaces } from '../selection/known.ts';
import { mayBeRecreated, propagationOf } from './recreation.ts';
import { retried } from '../retry.ts';
import { covers, threeWay } from './three-way.ts';

type ExistingResourcePolicy = 'Skip' | 'Update' | 'Recreate';

export interface Writing {
  /** As the creator of the restore. */
  readonly cluster: Cluster;
  /** As Kylon itself: tells only whether a cluster-scoped object is there. */
  readonly own: Cluster;
  readonly clock: Clock;
  readonly policy: ExistingResourcePolicy;
  readonly dryRun: boolean;
  /** A live object as this restore would write it, to tell what of it belongs to the cluster. */
  readonly clean: (live: ClusterObject) => ClusterObject;
  readonly signal: AbortSignal;
}

export interface Written {
  readonly outcome: Outcome;
  readonly message: string;
}

/** Milliseconds that an old object may take to go; a namespace has to be emptied. */
const goneAfter = 60_000;
const namespaceGoneAfter = 600_000;
const pollEvery = 250;

/**
 * As writeItem, but made as `wish` where the server allows that: with what it gave to the old object, such as an address, and may
 * have given to another one since.
 */
export async function writeWish(
  w: Writing,
  resource: ApiResource,
  namespace: string,
  object: ClusterObject,
  wish: ClusterObject,
): Promise<Written> {
  try {
    await create(w, resource, namespace, wish);
    return done('created');
  } catch (error) {
    throwIfAborted(w.signal);
    const written = await writeItem(w, resource, namespace, object);
    const isWithout = written.outcome === 'created' && isReason(error, 'Invalid');
    return isWithout ? { ...written, message: `without what it was saved with: ${messageOf(error)}` } : written;
  }
}

/** Rejects with ClusterError where the server refuses. `namespace` is empty for what lies in none. */
export async function writeItem(w: Writing, resource: ApiResource, namespace: string, object: ClusterObject): Promise<Written> {
  let attempts = 0;
  try {
    await retried(w.clock, w.signal, (attempt) => {
      attempts = attempt;
      return create(w, resource, namespace, object);
    });
    return done('created');
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return meetOther(w, resource, namespace, object, attempts > 0);
    if (await isThereAnyway(w, resource, object, error)) return skipped('it exists already');
    throw error;
  }
}

/** `perhapsOurs`: an attempt before this one got no answer, and may have made it. */
async function meetOther(
  w: Writing,
  resource: ApiResource,
  namespace: string,
  object: ClusterObject,
  perhapsOurs: boolean,
): Promise<Written> {
  const live = await readLive(w, resource, namespace, object.metadata.name);
  if (live === 'hidden') return skipped('it exists already');
  if (live === undefined) return createWhenGone(w, resource, namespace, object);
  if (perhapsOurs && !isDeleted(live) && covers(live, object)) return done('created');
  return meetExisting(w, resource, namespace, object, live);
}

/** As writeItem, where `live` is known to go by its name. */
export async function meetExisting(
  w: Writing,
  resource: ApiResource,
  namespace: string,
  object: ClusterObject,
  live: ClusterObject,
): Promise<Written> {
  if (isDeleted(live)) return createWhenGone(w, resource, namespace, object);
  const merged = threeWay(object, live, w.clean(live));
  if (isDeepStrictEqual(merged, live)) return done('unchanged');
  if (w.policy === 'Skip') return skipped('it exists already, and differs');
  if (w.policy === 'Update' || !mayBeRecreated(resource, live) || isDeepStrictEqual(withoutOwners(merged), withoutOwners(live)))
    return update(w, resource, namespace, object, live);
  return recreate(w, resource, namespace, object, live);
}

function withoutOwners(object: ClusterObject): unknown {
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

async function update(w: Writing, resource: ApiResource, namespace: string, object: ClusterObject, live: ClusterObject): Promise<Written> {
  return retried(w.clock, w.signal, async (attempt) => {
    const newest = attempt === 0 ? live : await readLive(w, resource, namespace, object.metadata.name);
    if (newest === 'hidden') throw new ClusterError(403, 'Forbidden', 'it may not be read any more');
    const merged = newest && threeWay(object, newest, w.clean(newest));
    const answer = merged && (await replace(w, resource, namespace, merged));
    if (newest === undefined || answer === undefined) {
      await create(w, resource, namespace, object);
      return done('created');
    }
    const isSame = isDeepStrictEqual(contentOf(answer), contentOf(newest)) && isDeepStrictEqual(merged?.['status'], newest['status']);
    return done(isSame ? 'unchanged' : 'updated');
  });
}

/** Undefined where it went away meanwhile. */
async function replace(w: Writing, resource: ApiResource, namespace: string, merged: ClusterObject): Promise<ClusterObject | undefined> {
  try {
    return await w.cluster.update(resource, namespace, merged, { dryRun: w.dryRun }, w.signal);
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    const isImmutable = error instanceof ClusterError && error.reason === 'Invalid' && isAboutChange.test(error.message);
    if (isImmutable && w.policy === 'Update' && mayBeRecreated(resource, merged))
      throw new ClusterError(error.code, error.reason, `${error.message} (existingResourcePolicy Recreate would make it anew)`, {
        cause: error,
      });
    throw error;
  }
}

/** Of a value that would be right in a new object. */
const isAboutChange = /immutable|may not change|may not be (changed|updated)|updates? (to|may) /i;

/** Everything but what the server writes down at each change; a dry run gets no new resourceVersion. */
function contentOf(object: ClusterObject): unknown {
  const { resourceVersion: _, managedFields: __, generation: ___, ...metadata } = object.metadata;
  const { status: ____, ...fields } = object;
  return { ...fields, metadata };
}

async function recreate(
  w: Writing,
  resource: ApiResource,
  namespace: string,
  object: ClusterObject,
  live: ClusterObject,
): Promise<Written> {
  const { name, uid } = live.metadata;
  const options = { dryRun: w.dryRun, ...(uid !== undefined && { uid }), propagationPolicy: propagationOf(resource) };
  await retried(w.clock, w.signal, () => w.cluster.delete(resource, namespace, name, options, w.signal)).catch(unlessGone);
  if (w.dryRun) return { outcome: 'recreated', message: 'the new one was not tried: the old one is still there' };
  const { outcome, message } = await createWhenGone(w, resource, namespace, object);
  return { outcome: outcome === 'created' ? 'recreated' : outcome, message };
}

function unlessGone(error: unknown): void {
  if (!isReason(error, 'NotFound')) throw error;
}

async function createWhenGone(w: Writing, resource: ApiResource, namespace: string, object: ClusterObject): Promise<Written> {
  if (w.dryRun) return { outcome: 'created', message: 'not tried: the old one is still being deleted' };
  const other = await waitUntilGone(w, resource, namespace, object.metadata.name);
  if (other === undefined && (await createIfAbsent(w, resource, namespace, object))) return done('created');
  const live = other ?? (await readLive(w, resource, namespace, object.metadata.name));
  if (live === undefined || live === 'hidden' || w.policy === 'Skip') return skipped('it exists already');
  return update(w, resource, namespace, object, live);
}

/** Resolves to whoever goes by that name and is not leaving. */
async function waitUntilGone(w: Writing, resource: ApiResource, namespace: string, name: string): Promise<Live> {
  const patience = qualified(resource) === namespaces ? namespaceGoneAfter : goneAfter;
  const deadline = w.clock.monotonic() + patience;
  for (;;) {
    const live = await readLive(w, resource, namespace, name);
    if (live === undefined || live === 'hidden' || !isDeleted(live)) return live;
    if (w.clock.monotonic() >= deadline)
      throw new ClusterError(409, 'AlreadyExists', `the old one is being deleted and still there after ${patience / 1_000} s`);
    await w.clock.sleep(pollEvery, w.signal);
  }
}

async function createIfAbsent(w: Writing, resource: ApiResource, namespace: string, object: ClusterObject): Promise<boolean> {
  try {
    await create(w, resource, namespace, object);
    return true;
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return false;
    throw error;
  }
}

/** Who may only work in a namespace cannot make what lies in none; where it is there, nothing is missing. */
async function isThereAnyway(w: Writing, resource: ApiResource, object: ClusterObject, error: unknown): Promise<boolean> {
  if (resource.namespaced || !isReason(error, 'Forbidden')) return false;
  return (await w.own.get(resource, '', object.metadata.name, w.signal)) !== undefined;
}

/** `hidden`: its creator may not read it. */
type Live = ClusterObject | 'hidden' | undefined;

async function readLive(w: Writing, resource: ApiResource, namespace: string, name: string): Promise<Live> {
  try {
    return await w.cluster.get(resource, namespace, name, w.signal);
  } catch (error) {
    if (isReason(error, 'Forbidden')) return 'hidden';
    throw error;
  }
}

const create = (w: Writing, resource: ApiResource, namespace: string, object: ClusterObject) =>
  w.cluster.create(resource, namespace, object, { dryRun: w.dryRun }, w.signal);

const isReason = (error: unknown, reason: string) => error instanceof ClusterError && error.reason === reason;

const done = (outcome: Outcome): Written => ({ outcome, message: '' });

const skipped = (message: string): Written => ({ outcome: 'skipped', message });
