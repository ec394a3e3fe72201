/** What of a saved object is sent to the cluster: its will, not what the old cluster wrote into it, in the names that are used now. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { cleaningRules } from './cleaning-rules.ts';
import { everyKind } from './rule.ts';
import type { CleanOptions, Rule } from './rule.ts';
import { mappingRules } from './mapping-rules.ts';

const rules = [...cleaningRules, ...mappingRules];
const general = rules.filter(({ resources }) => resources.includes(everyKind));
const ofResource = new Map<string, Rule[]>();
for (const rule of rules) for (const resource of rule.resources) ofResource.set(resource, [...(ofResource.get(resource) ?? []), rule]);

/** A new object; `resource` is the `plural.group`. Owner references are left to owners.ts. */
export function clean(resource: string, object: ClusterObject, options: CleanOptions): ClusterObject {
  const draft = structuredClone(object);
  for (const rule of general) rule.apply(draft, options, resource);
  for (const rule of ofResource.get(resource) ?? []) rule.apply(draft, options, resource);
  return draft;
}
