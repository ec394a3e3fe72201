/** Which namespaces and which resources a selection means, of those that there are. The words are Velero's. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import { globMatcher, isGlob } from './glob.ts';

export interface NamespaceChoice {
  /** In order. */
  readonly names: readonly string[];
  /** Named literally, but not there. */
  readonly missing: readonly string[];
  /** All were asked for, by `*`: that takes a cluster-wide right. */
  readonly everything: boolean;
}

/** `included` defaults to `own`. */
export function chooseNamespaces(
  included: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
  own: string,
  existing: readonly string[],
): NamespaceChoice {
  const wanted = included?.length ? included : [own];
  const isOut = anyMatcher(excluded ?? []);
  const isIn = anyMatcher(wanted);
  const there = new Set(existing);
  return {
    names: [...there].filter((name) => isIn(name) && !isOut(name)).sort(byBytes),
    missing: wanted.filter((name) => !isGlob(name) && !there.has(name) && !isOut(name)),
    everything: wanted.includes('*'),
  };
}

export interface ResourceChoice {
  /** In order of `plural.group`. */
  readonly resources: readonly ApiResource[];
  /** Patterns that match no resource. */
  readonly unknown: readonly string[];
}

/** `included` defaults to all. */
export function chooseResources(
  included: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
  existing: readonly ApiResource[],
): ResourceChoice {
  const wanted = included?.length ? included : ['*'];
  const resolve = (pattern: string) => ({ pattern, found: resolveResource(pattern, existing) });
  const [inside, outside] = [wanted.map(resolve), (excluded ?? []).map(resolve)];
  const out = new Set(outside.flatMap(({ found }) => found));
  const chosen = new Set(inside.flatMap(({ found }) => found).filter((resource) => !out.has(resource)));
  return {
    resources: [...chosen].sort((a, b) => byBytes(qualified(a), qualified(b))),
    unknown: [...inside, ...outside].filter(({ pattern, found }) => found.length === 0 && pattern !== '*').map(({ pattern }) => pattern),
  };
}

/**
 * `NAME` or `NAME.GROUP`. With a `*` or `?`: every resource whose plural and group fit, `*.example.com` being all of that group.
 * Otherwise a name as kubectl takes it, plural, singular, kind or short name: the first resource that goes by it.
 */
export function resolveResource(pattern: string, existing: readonly ApiResource[]): readonly ApiResource[] {
  const text = pattern.toLowerCase();
  const dot = text.indexOf('.');
  const [name, group] = dot < 0 ? [text, '*'] : [text.slice(0, dot), text.slice(dot + 1)];
  const isName = globMatcher(name);
  const isGroup = globMatcher(group);
  if (isGlob(text)) return existing.filter((resource) => isName(resource.resource) && isGroup(resource.group));
  return existing.filter((resource) => namesOf(resource).includes(name) && isGroup(resource.group)).slice(0, 1);
}

const namesOf = ({ resource, singular, kind, shortNames }: ApiResource) => [resource, singular, kind.toLowerCase(), ...shortNames];

/** Whether a name fits one of several patterns. */
export function anyMatcher(patterns: readonly string[]): (name: string) => boolean {
  const matchers = patterns.map(globMatcher);
  return (name) => matchers.some((matches) => matches(name));
}

/** Order of UTF-8 bytes, as stores and etcd sort keys; names are ASCII. */
export const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
