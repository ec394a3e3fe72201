/** spec.filters: which objects of single resources are taken, by name. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { ItemKey } from '../../resources/services.ts';
import { anyMatcher, resolveResource } from './selection.ts';

interface NameFilter {
  readonly resources: readonly string[];
  readonly namespaces?: readonly string[];
  readonly includedNames?: readonly string[];
  readonly excludedNames?: readonly string[];
}

export interface NameFilters {
  /** Whether an object passes every filter about it. */
  readonly passes: (key: ItemKey) => boolean;
  /** Patterns of resources that match none. */
  readonly unknown: readonly string[];
}

type Matcher = (key: ItemKey) => boolean;

export function nameFilters(filters: readonly NameFilter[] | undefined, existing: readonly ApiResource[]): NameFilters {
  const matchers = new Map<string, Matcher[]>();
  const unknown: string[] = [];
  for (const filter of filters ?? [])
    for (const pattern of filter.resources) {
      const found = resolveResource(pattern, existing);
      if (found.length === 0) unknown.push(pattern);
      for (const key of found.map(qualified)) matchers.set(key, [...(matchers.get(key) ?? []), matcherOf(filter)]);
    }
  return { passes: (key) => matchers.get(qualified(key))?.every((passes) => passes(key)) ?? true, unknown };
}

function matcherOf({ namespaces, includedNames, excludedNames }: NameFilter): Matcher {
  const concerns = namespaces?.length ? anyMatcher(namespaces) : () => true;
  const isIn = anyMatcher(includedNames?.length ? includedNames : ['*']);
  const isOut = anyMatcher(excludedNames ?? []);
  return ({ namespace, name }) => !concerns(namespace) || (isIn(name) && !isOut(name));
}
