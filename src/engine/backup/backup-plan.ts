/** What a backup will list: the resources that its selection means, by scope, and how. Says in the log what it leaves out. */
import type { ApiResource, Cluster } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import { groupIsExcluded, resourceExclusion } from '../selection/exclusions.ts';
import { isGlob } from '../selection/glob.ts';
import { definitions, namespaces, volumes } from '../selection/known.ts';
import { nameFilters } from '../selection/name-filters.ts';
import type { NameFilters } from '../selection/name-filters.ts';
import type { RunLog } from '../runs/run-log.ts';
import { chooseResources, resolveResource } from '../selection/selection.ts';

export interface ResourceSelection {
  readonly includedResources?: readonly string[];
  readonly excludedResources?: readonly string[];
  /** Undefined: the related ones. True: all. False: none but the Namespaces. */
  readonly includeClusterResources?: boolean;
  readonly filters?: Parameters<typeof nameFilters>[0];
}

export interface BackupPlan {
  /** In order of `plural.group`. */
  readonly namespaced: readonly ApiResource[];
  /** Of which every object is taken. */
  readonly clusterWide: readonly ApiResource[];
  /** Of which those are taken that belong to what is in the backup. */
  readonly related: readonly Related[];
  /** Whether an object passes the filters by name. */
  readonly passes: NameFilters['passes'];
}

export interface Related {
  readonly resource: ApiResource;
  /** The others are taken too, if they are selected. */
  readonly all: boolean;
}

const relatives = [definitions, namespaces, volumes];

export async function planBackup(cluster: Cluster, selection: ResourceSelection, log: RunLog, signal: AbortSignal): Promise<BackupPlan> {
  const { resources, failures } = await cluster.discover(signal);
  for (const { groupVersion, message } of failures)
    if (!groupIsExcluded(groupVersion)) log.error(`${groupVersion} is left out, it was not discovered: ${message}`);
  const { unknown, ...plan } = planOf(selection, resources);
  for (const pattern of unknown) log.warn(`${JSON.stringify(pattern)} names no resource of this cluster`);
  warnOfLeftOut(selection, resources, log);
  return plan;
}

/** What the selection means where these resources are served; `unknown` are patterns that name none of them. */
export function planOf(
  selection: ResourceSelection,
  resources: readonly ApiResource[],
): BackupPlan & { readonly unknown: readonly string[] } {
  const chosen = chooseResources(selection.includedResources, selection.excludedResources, resources);
  const filters = nameFilters(selection.filters, resources);
  const kept = chosen.resources.filter((resource) => resourceExclusion(resource) === undefined);
  return {
    namespaced: kept.filter(({ namespaced }) => namespaced),
    clusterWide: selection.includeClusterResources
      ? kept.filter((resource) => !resource.namespaced && !relatives.includes(qualified(resource)))
      : [],
    related: relatedOf(selection, resources, kept),
    passes: filters.passes,
    unknown: [...chosen.unknown, ...filters.unknown],
  };
}

/** A Namespace comes with what lies in it, and never without. */
function relatedOf(
  { excludedResources, includeClusterResources }: ResourceSelection,
  resources: readonly ApiResource[],
  kept: readonly ApiResource[],
): readonly Related[] {
  const wanted = includeClusterResources === false ? [namespaces] : relatives;
  const related = chooseResources(wanted, excludedResources, resources).resources;
  const isAll = (resource: ApiResource) => qualified(resource) !== namespaces && kept.includes(resource);
  return related.map((resource) => ({ resource, all: includeClusterResources === true && isAll(resource) }));
}

/** Who names a resource wants it, and has to be told why it is not there. */
function warnOfLeftOut(
  { includedResources = [], includeClusterResources }: ResourceSelection,
  resources: readonly ApiResource[],
  log: RunLog,
) {
  for (const pattern of includedResources.filter((pattern) => !isGlob(pattern)))
    for (const resource of resolveResource(pattern, resources)) {
      const reason = resourceExclusion(resource);
      const key = qualified(resource);
      if (reason) log.warn(`${key} is left out by rule: ${reason}`);
      else if (!resource.namespaced && !includeClusterResources && !relatives.includes(key))
        log.warn(`${key} is left out: it lies in no namespace, and spec.includeClusterResources is not true`);
    }
}
