/** One item of a restore, from its bytes to its outcome. Whatever goes wrong is the outcome of this item, and of no other. */
import { messageOf } from '../../base/lifetime.ts';
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Item, ItemKey, ItemResult, Outcome } from '../../resources/services.ts';
import { throwIfAborted } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { definitions, namespaces, volumes } from '../selection/known.ts';
import { dependencyOf } from './dry-run.ts';
import { reasonNotToRestore } from './not-restored.ts';
import type { Prepared } from './prepare-item.ts';
import { prepareItem, writingOf } from './prepare-item.ts';
import type { Restoration } from './restoration.ts';
import type { LiveEntry } from './live-objects.ts';
import { objectOf } from './saved-items.ts';
import { lostVolumeNotes } from './saved-volume.ts';
import type { Writing, Written } from './write-item.ts';
import { meetExisting, writeItem, writeWish } from './write-item.ts';

export async function applyItem(r: Restoration, { item, manifest, place, live }: LiveEntry): Promise<ItemResult> {
  return tryItem(r, item, async () => {
    const object = objectOf(manifest);
    const reason = await reasonToSkip(r, item, object);
    return reason === undefined ? restoreItem(r, { item, place, live }, object) : { outcome: 'skipped', message: reason };
  });
}

/** The outcome of `work`, or of its failure in the words of who refused. */
export async function tryItem(r: Restoration, key: ItemKey, work: () => Promise<Written>): Promise<ItemResult> {
  const target = r.targetOf(key);
  try {
    return { ...target, ...(await work()) };
  } catch (error) {
    throwIfAborted(r.work.signal);
    return { ...target, outcome: 'failed', message: messageOf(error) };
  }
}

async function reasonToSkip(r: Restoration, item: Item, object: ClusterObject): Promise<string | undefined> {
  const key = qualified(item);
  const reason = reasonNotToRestore(key, object);
  if (reason !== undefined) return reason;
  if (key === volumes && !takesClaimOf(r, object)) return 'its claim is not part of this restore';
  if (key === volumes && r.volumes.has(claimOf(object))) return 'its claim gets a new volume of the snapshot in the backup';
  const controller = await r.owners.controllerIn(item, object, r.work.signal);
  return controller && `its controller, ${controller.kind} ${controller.name}, is restored and makes it again`;
}

function claimOf(volume: ClusterObject): string {
  const { namespace, name } = fieldsOf(fieldsOf(volume['spec'])['claimRef']);
  return `${textOf(namespace)}/${textOf(name)}`;
}

function takesClaimOf({ choice }: Restoration, volume: ClusterObject): boolean {
  const { namespace } = fieldsOf(fieldsOf(volume['spec'])['claimRef']);
  return !choice.relatedOnly || (typeof namespace === 'string' && choice.takesNamespace(namespace));
}

async function restoreItem(r: Restoration, { item, place, live }: Omit<LiveEntry, 'manifest'>, saved: ClusterObject): Promise<Written> {
  const key = qualified(item);
  const served = r.served.find(key);
  if (!served) return notServed(r, key);
  const namespace = served.namespaced ? r.mapNamespace(item.namespace) : '';
  if (r.absentNamespaces.has(namespace))
    return { outcome: 'created', message: `not tried: the namespace "${namespace}" is not there yet, this restore would make it` };
  const prepared = await prepareItem(r, served, item, saved);
  const written = await write(r, item, prepared, saved, live).catch((error: unknown) => explain(r, served, item, error));
  if (key === definitions && isWritten(written.outcome)) r.newDefinitions.add(item.name);
  const isAsSaved = isWritten(written.outcome) || written.outcome === 'unchanged';
  if (prepared.owned.isEarly && isAsSaved && !r.spec.dryRun) r.early.add(key, place);
  if (!isWritten(written.outcome)) return written;
  const notes = [...prepared.owned.dropped, ...lostVolumeNotes(r, item, written)];
  return noted(await restoreStatus(r, prepared, saved, written), notes);
}

function notServed({ newDefinitions, spec }: Restoration, key: string): Written {
  if (spec.dryRun && newDefinitions.has(key))
    return { outcome: 'created', message: `not tried: ${key} is not served yet, this restore would define it` };
  return { outcome: 'failed', message: `the cluster serves no ${key}` };
}

function write(r: Restoration, item: Item, prepared: Prepared, saved: ClusterObject, live: ClusterObject | undefined): Promise<Written> {
  const key = qualified(item);
  const { resource, namespace, object, options } = prepared;
  const writing = writingOf(r, key, options);
  if (live?.metadata.name === object.metadata.name) return meetExisting(writing, resource, namespace, object, live);
  const wish = namespace === item.namespace ? withAddress(key, object, saved) : undefined;
  return r.spec.dryRun ? make(writing, prepared, wish) : makeBehindBackends(r, key, writing, prepared, wish);
}

function make(writing: Writing, { resource, namespace, object }: Prepared, wish: ClusterObject | undefined): Promise<Written> {
  return wish ? writeWish(writing, resource, namespace, object, wish) : writeItem(writing, resource, namespace, object);
}

async function makeBehindBackends(
  r: Restoration,
  key: string,
  writing: Writing,
  prepared: Prepared,
  wish: ClusterObject | undefined,
): Promise<Written> {
  const lacking = await r.backends.await(key, prepared.object);
  return noted(await make(writing, prepared, wish), lacking);
}

/** The words of the server, where they do not say it all, with what is behind them. */
async function explain(r: Restoration, served: ApiResource, item: Item, error: unknown): Promise<Written> {
  if (!(error instanceof ClusterError)) throw error;
  const missing = r.spec.dryRun ? await dependencyOf(r, item, error) : undefined;
  if (missing !== undefined)
    return { outcome: 'created', message: `not tried: ${missing} is not there yet, this restore would make it (${error.message})` };
  const isOldVersion = error.code === 404 && served.version !== item.version && !error.message.startsWith(`${namespaces} `);
  if (!isOldVersion) throw error;
  const { version } = served;
  return {
    outcome: 'failed',
    message: `the cluster serves ${qualified(item)} in ${version}, not in ${item.version}, in which it was saved`,
  };
}

/** A Service that comes back to its place gets the address that it had, if that is still free: clients may remember it. */
function withAddress(key: string, object: ClusterObject, saved: ClusterObject): ClusterObject | undefined {
  const { clusterIP, clusterIPs } = fieldsOf(saved['spec']);
  const spec = fieldsOf(object['spec']);
  if (key !== 'services' || !clusterIP || spec['clusterIP'] !== undefined) return undefined;
  return { ...object, spec: { ...spec, clusterIP, clusterIPs } };
}

const isWritten = (outcome: Outcome) => outcome === 'created' || outcome === 'updated' || outcome === 'recreated';

const noted = ({ outcome, message }: Written, notes: readonly string[]): Written => ({
  outcome,
  message: [message, ...notes].filter((text) => text !== '').join('; '),
});

/** Where the spec asks for it and the kind has a status of its own; in other kinds it has been written with the object. */
async function restoreStatus(
  { cluster, spec, work }: Restoration,
  { resource, namespace, object }: Prepared,
  { status }: ClusterObject,
  written: Written,
): Promise<Written> {
  if (!spec.restoreStatus || spec.dryRun || status === undefined) return written;
  try {
    await cluster.patch(resource, namespace, object.metadata.name, { status }, { subresource: 'status' }, work.signal);
    return written;
  } catch (error) {
    if (error instanceof ClusterError && (error.code === 404 || error.code === 405)) return written;
    return noted(written, [`its status was not restored: ${messageOf(error)}`]);
  }
}
