/** Which items of a backup a restore takes: the selection of its spec, applied to what the backup holds. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Item, ItemKey } from '../../resources/services.ts';
import { definitions, namespaces, volumes } from '../selection/known.ts';
import { nameFilters } from '../selection/name-filters.ts';
import type { LabelChoice } from '../selection/label-selector.ts';
import { hasLabels } from '../selection/label-selector.ts';
import { anyMatcher, chooseResources } from '../selection/selection.ts';

export interface ItemSelection extends LabelChoice {
  readonly items?: readonly Partial<ItemKey>[];
  readonly includedNamespaces?: readonly string[];
  readonly excludedNamespaces?: readonly string[];
  readonly includedResources?: readonly string[];
  readonly excludedResources?: readonly string[];
  readonly includeClusterResources?: boolean;
  readonly filters?: Parameters<typeof nameFilters>[0];
}

export interface ItemChoice {
  readonly takes: (item: Item) => boolean;
  /** Of what lies in a namespace. */
  readonly takesNamespace: (name: string) => boolean;
  /** Of what lies in no namespace only that is taken which belongs to namespaces that are. */
  readonly relatedOnly: boolean;
  /** Resources of which something may be taken, by `plural.group`. */
  readonly resources: readonly string[];
  /** Patterns that name no resource of the backup. */
  readonly unknown: readonly string[];
}

/** `held` are the resources that the backup holds. */
export function chooseItems(selection: ItemSelection, held: readonly ApiResource[]): ItemChoice {
  const { resources, unknown } = chooseResources(selection.includedResources, selection.excludedResources, held);
  const keys = new Set(resources.map(qualified));
  const takesNamespace = namespaceMatcher(selection);
  const scope = clusterScopeOf(selection);
  const takesClusterItem = clusterItemMatcher(scope, takesNamespace, keys);
  const isNamed = namedMatcher(selection.items);
  const filters = nameFilters(selection.filters, held);
  const takes = (item: Item) =>
    isNamed(item) &&
    filters.passes(item) &&
    (item.namespace === '' ? takesClusterItem(item) : takesNamespace(item.namespace)) &&
    fitsLabels(selection, item);
  return {
    takes: (item) => keys.has(qualified(item)) && takes(item),
    takesNamespace,
    relatedOnly: scope === 'related',
    resources: [...keys],
    unknown: [...unknown, ...filters.unknown],
  };
}

/** Namespaces are taken whenever their content is; they have labels of their own. */
const isNamespace = (item: ItemKey) => item.group === '' && item.resource === namespaces;

function namespaceMatcher({ includedNamespaces, excludedNamespaces }: ItemSelection): (name: string) => boolean {
  const isIn = anyMatcher(includedNamespaces?.length ? includedNamespaces : ['*']);
  const isOut = anyMatcher(excludedNamespaces ?? []);
  return (name) => isIn(name) && !isOut(name);
}

/** Who restores some namespaces of many, without a word about the rest, gets what belongs to them. */
function clusterScopeOf({
  includeClusterResources,
  includedNamespaces,
  includedResources,
  items,
}: ItemSelection): 'all' | 'none' | 'related' {
  if (includeClusterResources !== undefined) return includeClusterResources ? 'all' : 'none';
  const someNamespaces = includedNamespaces?.length && !includedNamespaces.includes('*');
  return someNamespaces && !includedResources?.length && !items?.length ? 'related' : 'all';
}

function clusterItemMatcher(
  scope: 'all' | 'none' | 'related',
  takesNamespace: (name: string) => boolean,
  taken: ReadonlySet<string>,
): (item: Item) => boolean {
  return (item) => {
    if (isNamespace(item)) return takesNamespace(item.name);
    if (scope !== 'related') return scope === 'all';
    return qualified(item) === definitions ? taken.has(item.name) : qualified(item) === volumes;
  };
}

function namedMatcher(items: ItemSelection['items']): (item: Item) => boolean {
  if (!items?.length) return () => true;
  const wanted = new Set(
    items.map(({ group = '', resource = '', namespace = '', name = '' }) => [group, resource, namespace, name].join('/')),
  );
  return ({ group, resource, namespace, name }) => wanted.has([group, resource, namespace, name].join('/'));
}

function fitsLabels(selection: ItemSelection, item: Item): boolean {
  return isNamespace(item) || hasLabels(selection, item.labels);
}
