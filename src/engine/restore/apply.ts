/** One item of a restore, from its bytes to its outcome. Whatever goes wrong is the outcome of this item, and of no other. */
import { messageOf } from '../../base/lifetime.ts';
import { parseExactly } from '../../base/exact-json.ts';
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Item, ItemKey, ItemResult } from '../../resources/services.ts';
import type { CleanOptions } from './cleaning-rules.ts';
import { clean } from './clean.ts';
import { throwIfAborted } from '../runs/failure.ts';
import { fieldsOf } from '../selection/fields.ts';
import { claims, definitions, namespaces, volumes } from '../selection/known.ts';
import { isDisposable, reasonNotToRestore } from './not-restored.ts';
import type { Restoration } from './restoration.ts';
import type { Writing, Written } from './write-item.ts';
import { writeItem, writeWish } from './write-item.ts';

export async function applyItem(r: Restoration, item: Item, manifest: Uint8Array): Promise<ItemResult> {
  return tryItem(r, item, async () => {
    const object = parseExactly(Buffer.from(manifest.buffer, manifest.byteOffset, manifest.length).toString()) as ClusterObject;
    const reason = await reasonToSkip(r, item, object);
    return reason === undefined ? restoreItem(r, item, object) : { outcome: 'skipped', message: reason };
  });
}

/** The outcome of `work`, or of its failure in the words of who refused. */
export async function tryItem(r: Restoration, key: ItemKey, work: () => Promise<Written>): Promise<ItemResult> {
  const target = targetOf(r, key);
  try {
    return { ...target, ...(await work()) };
  } catch (error) {
    throwIfAborted(r.work.signal);
    return { ...target, outcome: 'failed', message: messageOf(error) };
  }
}

/** What it is called where it goes. */
export function targetOf({ mapNamespace }: Restoration, { group, resource, namespace, name }: ItemKey): ItemKey {
  const isNamespace = qualified({ group, resource }) === namespaces;
  return { group, resource, namespace: namespace && mapNamespace(namespace), name: isNamespace ? mapNamespace(name) : name };
}

async function reasonToSkip(r: Restoration, item: Item, object: ClusterObject): Promise<string | undefined> {
  const key = qualified(item);
  const reason = reasonNotToRestore(key, object);
  if (reason !== undefined) return reason;
  if (key === volumes && !takesClaimOf(r, object)) return 'its claim is not part of this restore';
  const controller = await r.owners.controllerIn(item, object, r.work.signal);
  return controller && `its controller, ${controller.kind} ${controller.name}, is restored and makes it again`;
}

function takesClaimOf({ choice }: Restoration, volume: ClusterObject): boolean {
  const { namespace } = fieldsOf(fieldsOf(volume['spec'])['claimRef']);
  return !choice.relatedOnly || (typeof namespace === 'string' && choice.takesNamespace(namespace));
}

async function restoreItem(r: Restoration, item: Item, saved: ClusterObject): Promise<Written> {
  const key = qualified(item);
  const served = r.served.find(key);
  if (!served) return notServed(r, key);
  const namespace = served.namespaced ? r.mapNamespace(item.namespace) : '';
  if (r.absentNamespaces.has(namespace))
    return { outcome: 'created', message: `not tried: the namespace "${namespace}" is not there yet, this restore would make it` };
  const options = { ...cleanOptionsOf(r), keepVolume: await keepsVolume(r, item, saved) };
  const object = await withLivingOwners(r, clean(key, saved, options), namespace);
  const resource = { ...served, version: item.version };
  const writing = writingOf(r, key, options);
  const wish = namespace === item.namespace ? withAddress(key, object, saved) : undefined;
  const written = await (wish ? writeWish(writing, resource, namespace, object, wish) : writeItem(writing, resource, namespace, object));
  if (key === definitions && written.outcome !== 'unchanged' && written.outcome !== 'skipped') r.newDefinitions.add(item.name);
  return restoreStatus(r, resource, namespace, object, saved, written);
}

function notServed({ newDefinitions, spec }: Restoration, key: string): Written {
  if (spec.dryRun && newDefinitions.has(key))
    return { outcome: 'created', message: `not tried: ${key} is not served yet, this restore would define it` };
  return { outcome: 'failed', message: `the cluster serves no ${key}` };
}

export function cleanOptionsOf({ spec, mapNamespace }: Restoration): CleanOptions {
  return { preserveNodePorts: spec.preserveNodePorts ?? false, keepVolume: false, mapNamespace };
}

/** `key` is the `plural.group` of what is written. */
export function writingOf(r: Restoration, key: string, options: CleanOptions = cleanOptionsOf(r)): Writing {
  const { work, cluster, spec } = r;
  /** What is live lies already where it belongs. */
  const asLive = { ...options, mapNamespace: (namespace: string) => namespace };
  return {
    cluster,
    own: work.parts.cluster,
    clock: work.parts.clock,
    policy: spec.existingResourcePolicy ?? 'Skip',
    dryRun: spec.dryRun ?? false,
    clean: (live) => clean(key, live, asLive),
    signal: work.signal,
  };
}

/** A claim goes back to its volume if that is restored too, and in the same namespace. */
async function keepsVolume(r: Restoration, item: Item, claim: ClusterObject): Promise<boolean> {
  const { volumeName } = fieldsOf(claim['spec']);
  if (qualified(item) !== claims || typeof volumeName !== 'string') return false;
  if (r.mapNamespace(item.namespace) !== item.namespace) return false;
  const key = { group: '', resource: volumes, namespace: '', name: volumeName };
  const { items } = await r.reader.items({ ...key, limit: 1, continue: '', labelSelector: '' }, r.work.signal);
  if (!items.some((volume) => r.choice.takes(volume))) return false;
  const saved = await r.reader.item(key, r.work.signal);
  return saved !== undefined && !isDisposable(JSON.parse(Buffer.from(saved).toString()) as ClusterObject);
}

async function withLivingOwners(r: Restoration, object: ClusterObject, namespace: string): Promise<ClusterObject> {
  if (object.metadata['ownerReferences'] === undefined) return object;
  const living = await r.owners.living(object, namespace, r.work.signal);
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, name: object.metadata.name, ...(living.length > 0 && { ownerReferences: living }) } };
}

/** A Service that comes back to its place gets the address that it had, if that is still free: clients may remember it. */
function withAddress(key: string, object: ClusterObject, saved: ClusterObject): ClusterObject | undefined {
  const { clusterIP, clusterIPs } = fieldsOf(saved['spec']);
  if (key !== 'services' || !clusterIP || clusterIP === 'None') return undefined;
  return { ...object, spec: { ...fieldsOf(object['spec']), clusterIP, clusterIPs } };
}

/** Where the spec asks for it and the kind has a status of its own. */
async function restoreStatus(
  { cluster, spec, work }: Restoration,
  resource: ApiResource,
  namespace: string,
  { metadata }: ClusterObject,
  saved: ClusterObject,
  written: Written,
): Promise<Written> {
  const isWritten = written.outcome === 'created' || written.outcome === 'updated' || written.outcome === 'recreated';
  if (!spec.restoreStatus || spec.dryRun || !isWritten || saved['status'] === undefined) return written;
  try {
    await cluster.patch(resource, namespace, metadata.name, { status: saved['status'] }, { subresource: 'status' }, work.signal);
    return written;
  } catch (error) {
    if (error instanceof ClusterError && (error.code === 404 || error.code === 405)) return written;
    return { ...written, message: `its status was not restored: ${messageOf(error)}` };
  }
}
