/** Lists what the plan says and streams it into the archive. A list that fails costs only itself. */
import type { ApiResource, Cluster, ListOptions } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { ArchiveWriter } from '../archive/archive.ts';
import type { BackupPlan } from './backup-plan.ts';
import { objectExclusion } from '../selection/exclusions.ts';
import { claims, namespaces, volumes } from '../selection/known.ts';
import type { ObjectLabelSelector } from '../selection/label-selector.ts';
import { selects, selectorText } from '../selection/label-selector.ts';
import type { ListedObject } from './new-item.ts';
import { newItem, parseListed } from './new-item.ts';
import type { RunLog } from '../runs/run-log.ts';

export interface Collection {
  readonly cluster: Cluster;
  readonly archive: ArchiveWriter;
  readonly plan: BackupPlan;
  /** In order. */
  readonly namespaces: readonly string[];
  /** One list of all namespaces costs less than one of each. */
  readonly listAtOnce: boolean;
  readonly labelSelector?: ObjectLabelSelector;
  readonly orLabelSelectors?: readonly ObjectLabelSelector[];
  readonly log: RunLog;
  readonly added: () => void;
  readonly signal: AbortSignal;
}

/** What related objects are found by. */
interface Relations {
  readonly namespaces: ReadonlySet<string>;
  /** Of the claims in the backup. */
  readonly volumes: Set<string>;
  /** `plural.group` of everything in the backup, which is the name of its definition where it is a custom resource. */
  readonly resources: Set<string>;
}

/** Definitions hold large schemas. */
const relatedPage = 50;

export async function collect(collection: Collection): Promise<void> {
  const { plan, namespaces, listAtOnce } = collection;
  const relations: Relations = { namespaces: new Set(namespaces), volumes: new Set(), resources: new Set() };
  for (const resource of plan.namespaced)
    for (const namespace of listAtOnce ? [undefined] : namespaces) await collectNamespaced(collection, relations, resource, namespace);
  for (const resource of plan.clusterWide) await collectClusterWide(collection, relations, resource);
  for (const resource of plan.related) await collectRelated(collection, relations, resource);
}

async function collectNamespaced(collection: Collection, relations: Relations, resource: ApiResource, namespace: string | undefined) {
  const options = { ...(namespace !== undefined && { namespace }), labelSelector: selectorText(collection.labelSelector) };
  await addAll(collection, relations, resource, options, (object) => relations.namespaces.has(object.metadata.namespace ?? ''));
}

async function collectClusterWide(collection: Collection, relations: Relations, resource: ApiResource) {
  await addAll(collection, relations, resource, { labelSelector: selectorText(collection.labelSelector) }, () => true);
}

/** Whatever their labels: what is in the backup cannot be restored without them. */
async function collectRelated(collection: Collection, relations: Relations, resource: ApiResource) {
  const names = namesOfRelated(relations, resource);
  if (names.size === 0) return;
  const { orLabelSelectors: _, ...unselected } = collection;
  await addAll(unselected, relations, resource, { limit: relatedPage }, ({ metadata }) => names.has(metadata.name));
}

function namesOfRelated(relations: Relations, resource: ApiResource): ReadonlySet<string> {
  if (qualified(resource) === namespaces) return relations.namespaces;
  return qualified(resource) === volumes ? relations.volumes : relations.resources;
}

async function addAll(
  collection: Collection,
  relations: Relations,
  resource: ApiResource,
  options: ListOptions,
  takes: (object: ListedObject) => boolean,
): Promise<void> {
  const { cluster, signal, log } = collection;
  const tally: Tally = { added: 0, leftOut: new Map() };
  try {
    for await (const { items } of cluster.list(resource, options, signal))
      for (const bytes of items) await add(collection, relations, resource, bytes, takes, tally);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    tellFailure(log, resource, options, error);
  }
  const place = `${qualified(resource)}${placeOf(options)}`;
  if (tally.added) log.info(`${place}: ${tally.added}`);
  for (const [reason, count] of tally.leftOut) log.info(`${place}: ${count} left out: ${reason}`);
}

/** What became of the objects of one list. */
interface Tally {
  added: number;
  /** By reason. */
  readonly leftOut: Map<string, number>;
}

async function add(
  collection: Collection,
  relations: Relations,
  resource: ApiResource,
  bytes: Uint8Array,
  takes: (object: ListedObject) => boolean,
  tally: Tally,
): Promise<void> {
  const object = parseListed(bytes);
  if (!takes(object) || !isSelected(collection, resource, object)) return;
  const key = qualified(resource);
  const reason = objectExclusion(key, object.metadata);
  if (reason !== undefined) return void tally.leftOut.set(reason, (tally.leftOut.get(reason) ?? 0) + 1);
  await collection.archive.add(newItem(resource, object, bytes));
  relations.resources.add(key);
  if (key === claims && object.spec?.volumeName) relations.volumes.add(object.spec.volumeName);
  tally.added += 1;
  collection.added();
}

function isSelected({ plan, orLabelSelectors }: Collection, { group, resource }: ApiResource, { metadata }: ListedObject): boolean {
  const { name, namespace = '', labels = {} } = metadata;
  if (!plan.passes({ group, resource, namespace, name })) return false;
  return !orLabelSelectors?.length || orLabelSelectors.some((selector) => selects(selector, labels));
}

/** A resource that went away meanwhile, or never could be listed, is missed by nobody. */
function tellFailure(log: RunLog, resource: ApiResource, options: ListOptions, { code, message }: ClusterError): void {
  const text = `${qualified(resource)}${placeOf(options)} is not or not all in the backup: ${message}`;
  if (code === 404 || code === 405) log.warn(text);
  else log.error(text);
}

const placeOf = ({ namespace }: ListOptions) => (namespace === undefined ? '' : ` of ${namespace}`);
