/** What the selection of a Backup means for objects that it did not see: whether it would have taken them. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { BackupSpec } from '../../resources/backup.ts';
import { planOf } from '../backup/backup-plan.ts';
import { objectExclusion } from '../selection/exclusions.ts';
import type { Marks } from '../selection/exclusions.ts';
import { namespaces } from '../selection/known.ts';
import { hasLabels } from '../selection/label-selector.ts';
import { anyMatcher } from '../selection/selection.ts';

interface Chosen {
  readonly resource: ApiResource;
  /** Taken because it belongs to what was taken, so by name and not as a whole. */
  readonly isRelated: boolean;
}

export interface ObjectSelection {
  /** By `plural.group`: of these, objects are taken. */
  readonly chosen: ReadonlyMap<string, Chosen>;
  readonly takesNamespace: (name: string) => boolean;
  /** Given that its resource is chosen. Of what is related only a Namespace can be new: the others belong to what was saved. */
  readonly takes: (resource: ApiResource, marks: Marks) => boolean;
}

/** `own` is the namespace of the Backup; `served` are all resources that there are. */
export function selectionOf(spec: BackupSpec, own: string, served: readonly ApiResource[]): ObjectSelection {
  const plan = planOf(spec, served);
  const isIn = anyMatcher(spec.includedNamespaces?.length ? spec.includedNamespaces : [own]);
  const isOut = anyMatcher(spec.excludedNamespaces ?? []);
  const takesNamespace = (name: string) => isIn(name) && !isOut(name);
  const listed = [...plan.namespaced, ...plan.clusterWide];
  const choose = (resource: ApiResource, isRelated: boolean) => [qualified(resource), { resource, isRelated }] as const;
  const chosen = new Map([
    ...plan.related.map(({ resource, all }) => choose(resource, !all)),
    ...listed.map((resource) => choose(resource, false)),
  ]);
  const takes = (resource: ApiResource, marks: Marks) => {
    const key = qualified(resource);
    const { name, namespace = '', labels = {} } = marks;
    if (namespace !== '' && !takesNamespace(namespace)) return false;
    if (objectExclusion(key, marks) !== undefined) return false;
    if (!plan.passes({ group: resource.group, resource: resource.resource, namespace, name })) return false;
    return chosen.get(key)?.isRelated ? key === namespaces && takesNamespace(name) : hasLabels(spec, labels);
  };
  return { chosen, takesNamespace, takes };
}
