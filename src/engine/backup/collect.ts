/** Lists what the plan says and streams it into the archive. A list that fails costs only itself. */
import type { ApiResource, Cluster, ListOptions, Page } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { ArchiveWriter } from '../archive/archive.ts';
import { begunAhead } from './ahead.ts';
import type { BackupPlan, Related } from './backup-plan.ts';
import { objectExclusion } from '../selection/exclusions.ts';
import { claims, namespaces, volumes } from '../selection/known.ts';
import type { LabelChoice } from '../selection/label-selector.ts';
import { hasLabels, selectorText } from '../selection/label-selector.ts';
import type { ListedObject } from './new-item.ts';
import { newItem, parseListed } from './new-item.ts';
import type { RunLog } from '../runs/run-log.ts';
import { claimOf } from './volume-choice.ts';
import type { Claim } from './volume-choice.ts';

export interface Collection extends LabelChoice {
  readonly cluster: Cluster;
  readonly archive: ArchiveWriter;
  readonly plan: BackupPlan;
  /** In order. */
  readonly namespaces: readonly string[];
  /** The others are listed in each namespace. */
  readonly listedAtOnce: ReadonlySet<ApiResource>;
  readonly log: RunLog;
  /** Of each object: whether it is in the backup now, and how many are known to come behind it. */
  readonly passed: (isTaken: boolean, coming: number) => void;
  /** A claim that has a volume is in the backup. */
  readonly addedVolume: (claim: Claim) => void;
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

/** One list, and what of it is taken. */
interface Part {
  readonly resource: ApiResource;
  readonly options: ListOptions;
  readonly takes: (object: ListedObject) => boolean;
  /** Objects are taken whatever their labels. */
  readonly anyLabels: boolean;
}

/** Lists that are begun before their turn: enough that a server is never idle, and none has to hold many pages. */
const listsAhead = 4;

export async function collect(collection: Collection): Promise<void> {
  const { plan, namespaces } = collection;
  const relations: Relations = { namespaces: new Set(namespaces), volumes: new Set(), resources: new Set() };
  await addAll(collection, relations, [...namespacedParts(collection, relations), ...clusterWideParts(collection)]);
  // Only now is it known what is related to what was taken.
  await addAll(
    collection,
    relations,
    plan.related.flatMap((related) => relatedPart(collection, relations, related)),
  );
}

function namespacedParts({ plan, namespaces, listedAtOnce, labelSelector }: Collection, relations: Relations): Part[] {
  const each = namespaces.map((namespace) => ({ namespace }));
  const takes = ({ metadata }: ListedObject) => relations.namespaces.has(metadata.namespace ?? '');
  const selector = selectorText(labelSelector);
  return plan.namespaced.flatMap((resource) =>
    (listedAtOnce.has(resource) ? [{}] : each).map((place) => ({
      resource,
      options: { ...place, labelSelector: selector },
      takes,
      anyLabels: false,
    })),
  );
}

function clusterWideParts({ plan, labelSelector }: Collection): Part[] {
  const options = { labelSelector: selectorText(labelSelector) };
  return plan.clusterWide.map((resource) => ({ resource, options, takes: () => true, anyLabels: false }));
}

/** Whatever the labels of what is related: what is in the backup cannot be restored without it. */
function relatedPart(collection: Collection, relations: Relations, { resource, all }: Related): Part[] {
  const names = namesOfRelated(relations, resource);
  if (names.size === 0 && !all) return [];
  const takes = ({ metadata }: ListedObject) => names.has(metadata.name) || (all && hasLabels(collection, metadata.labels));
  return [{ resource, options: { limit: relatedPage }, takes, anyLabels: true }];
}

function namesOfRelated(relations: Relations, resource: ApiResource): ReadonlySet<string> {
  if (qualified(resource) === namespaces) return relations.namespaces;
  return qualified(resource) === volumes ? relations.volumes : relations.resources;
}

async function addAll(collection: Collection, relations: Relations, parts: readonly Part[]): Promise<void> {
  const { cluster } = collection;
  const stop = new AbortController();
  const signal = AbortSignal.any([collection.signal, stop.signal]);
  const lists = begunAhead(parts, listsAhead, ({ resource, options }) => cluster.list(resource, options, signal));
  for await (const { of: part, pieces } of lists)
    await addPart(collection, relations, part, pieces).catch((error: unknown) => {
      stop.abort(error);
      throw error;
    });
}

async function addPart(collection: Collection, relations: Relations, part: Part, pages: AsyncIterable<Page>): Promise<void> {
  const { log } = collection;
  const { resource, options } = part;
  const tally: Tally = { added: 0, leftOut: new Map(), isOfSeveralMoments: false };
  try {
    for await (const page of pages) {
      if (page.inconsistent) tally.isOfSeveralMoments = true;
      for (const [index, bytes] of page.items.entries()) {
        const isTaken = await add(collection, relations, part, bytes, tally);
        collection.passed(isTaken, page.items.length - index - 1 + (page.remaining ?? 0));
      }
    }
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    tellFailure(log, resource, options, error);
  }
  const place = `${qualified(resource)}${placeOf(options)}`;
  if (tally.isOfSeveralMoments) log.warn(`${place}: the API server forgot in the middle how they were: the rest is as it was later`);
  if (tally.added) log.info(`${place}: ${tally.added}`);
  for (const [reason, count] of tally.leftOut) log.info(`${place}: ${count} left out: ${reason}`);
}

/** What became of the objects of one list. */
interface Tally {
  added: number;
  /** By reason. */
  readonly leftOut: Map<string, number>;
  isOfSeveralMoments: boolean;
}

async function add(collection: Collection, relations: Relations, part: Part, bytes: Uint8Array, tally: Tally): Promise<boolean> {
  const { resource } = part;
  const object = parseListed(bytes);
  if (!part.takes(object) || !isSelected(collection, part, object)) return false;
  const key = qualified(resource);
  const reason = objectExclusion(key, object.metadata);
  if (reason !== undefined) {
    tally.leftOut.set(reason, (tally.leftOut.get(reason) ?? 0) + 1);
    return false;
  }
  await collection.archive.add(newItem(resource, object, bytes));
  relations.resources.add(key);
  const claim = key === claims ? claimOf(bytes) : undefined;
  if (claim) {
    if (claim.volumeName !== undefined) relations.volumes.add(claim.volumeName);
    collection.addedVolume(claim);
  }
  tally.added += 1;
  return true;
}

function isSelected(collection: Collection, { resource, anyLabels }: Part, { metadata }: ListedObject): boolean {
  const { name, namespace = '', labels } = metadata;
  const isNamed = collection.plan.passes({ group: resource.group, resource: resource.resource, namespace, name });
  return isNamed && (anyLabels || hasLabels(collection, labels));
}

/** A resource that went away meanwhile, or never could be listed, is missed by nobody. */
function tellFailure(log: RunLog, resource: ApiResource, options: ListOptions, { code, message }: ClusterError): void {
  const text = `${qualified(resource)}${placeOf(options)} is not or not all in the backup: ${message}`;
  if (code === 404 || code === 405) log.warn(text);
  else log.error(text);
}

const placeOf = ({ namespace }: ListOptions) => (namespace === undefined ? '' : ` of ${namespace}`);
