/** spec.transforms: changes that a user wants in objects on their way back, as JSON patches or merge patches. */
import { isDeepStrictEqual } from 'node:util';
import { textExactly } from '../../base/exact-json.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import { ApiError, qualified } from '../../machinery/errors.ts';
import { jsonPatch } from '../../machinery/input/json-patch.ts';
import { mergePatch } from '../../machinery/input/merge-patch.ts';
import type { TransformSpec } from '../../resources/transforms.ts';
import type { Item } from '../../resources/services.ts';
import { selects } from '../selection/label-selector.ts';
import { anyMatcher, resolveResource } from '../selection/selection.ts';
import { valueAt } from './pointers.ts';

export interface Transform {
  /** The object as all transforms together make it, one after the other. Throws Error where one does not fit. */
  readonly apply: (item: Item, object: ClusterObject) => ClusterObject;
  /** Patterns that name no resource of the backup. */
  readonly unknown: readonly string[];
}

/** `held` are the resources that the backup holds. */
export function transformOf(specs: readonly TransformSpec[] | undefined, held: readonly ApiResource[]): Transform {
  const transforms = (specs ?? []).map((spec, index) => ({
    spec,
    matches: matcherOf(spec.match, held),
    field: `spec.transforms[${index}]`,
  }));
  const patterns = transforms.flatMap(({ spec }) => spec.match?.resources ?? []);
  return {
    apply: (item, object) =>
      transforms.reduce((state, { spec, matches, field }) => (matches(item, state) ? transformed(spec, field, state) : state), object),
    unknown: patterns.filter((pattern) => resolveResource(pattern, held).length === 0),
  };
}

type Matcher = (item: Item, object: ClusterObject) => boolean;

/** Names and labels are those in the backup, values those of the object as it is by now. */
function matcherOf(match: TransformSpec['match'], held: readonly ApiResource[]): Matcher {
  const { resources = ['*'], namespaces = ['*'], names = ['*'], labelSelector, matches = [] } = match ?? {};
  const keys = new Set(resources.flatMap((pattern) => resolveResource(pattern, held)).map(qualified));
  const [isNamespace, isName] = [anyMatcher(namespaces), anyMatcher(names)];
  return (item, object) =>
    keys.has(qualified(item)) &&
    isNamespace(item.namespace) &&
    isName(item.name) &&
    selects(labelSelector, item.labels) &&
    matches.every(({ path, value }) => isDeepStrictEqual(valueAt(object, path) ?? null, value ?? null));
}

/** Characters of JSON of a whole object; kube-apiserver takes requests of 3 MiB. A patch may copy as much, and a hundred of them far too much. */
const longest = 3 << 20;

function transformed({ patches, mergePatch: merge }: TransformSpec, field: string, object: ClusterObject): ClusterObject {
  const result = (merge ? mergePatch(object, merge) : patched(object, patches, field)) as ClusterObject;
  const changed = identity.find((path) => valueAt(result, path) !== valueAt(object, path));
  if (changed !== undefined) throw new Error(`${field} would change ${changed}, which no transform may`);
  if (textExactly(result).length > longest) throw new Error(`${field} would make the object longer than ${longest} characters`);
  return result;
}

/** What an object is. */
const identity = ['/apiVersion', '/kind', '/metadata/name', '/metadata/namespace'];

function patched(object: ClusterObject, patches: unknown, field: string): unknown {
  try {
    return jsonPatch(object, patches);
  } catch (error) {
    throw new Error(`${field}.patches: ${messageOf(error instanceof ApiError ? (error.cause ?? error) : error)}`, { cause: error });
  }
}
