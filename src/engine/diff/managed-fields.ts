/**
 * What of a live object nobody wished for: fields that controllers or subresources alone have set, and defaults, which belong to
 * nobody. metadata.managedFields tells them apart.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Fields } from '../selection/fields.ts';
import { isControllers } from '../restore/managed-fields.ts';
import { fieldsOf, isFields, listOf } from '../selection/fields.ts';

/** The fields below one place that one manager owns, in the form of fieldsV1; without entries, all that there is. */
interface Claim {
  /** A wish is what a user or a tool has asked for. */
  readonly by: 'wish' | 'controller' | 'status';
  readonly fields: Fields;
}

/**
 * The live object without what was added by controllers, subresources and defaults since it was saved; what status alone
 * writes is as it was. An object whose fields nobody manages is taken as it is.
 */
export function wished(live: ClusterObject, saved: ClusterObject): ClusterObject {
  const claims = listOf(live.metadata['managedFields']).map(claimOf);
  return claims.length === 0 ? live : (settle(live, saved, claims) as ClusterObject);
}

function claimOf(entry: Fields): Claim {
  const fields = fieldsOf(entry['fieldsV1']);
  if (entry['subresource'] === 'status') return { by: 'status', fields };
  return { by: isControllers(entry) ? 'controller' : 'wish', fields };
}

/** `saved` is what stood there. */
function settle(live: unknown, saved: unknown, claims: readonly Claim[]): unknown {
  if (isFields(live) && isFields(saved)) return settleFields(live, saved, claims);
  if (Array.isArray(live) && Array.isArray(saved)) return settleList(live, saved, claims);
  return claims.length > 0 && claims.every(({ by }) => by === 'status') ? saved : live;
}

function settleFields(live: Fields, saved: Fields, claims: readonly Claim[]): Fields {
  const kept = Object.entries(live).flatMap(([name, value]): [string, unknown][] => {
    const below = step(claims, `f:${name}`);
    if (Object.hasOwn(saved, name)) return [[name, settle(value, saved[name], below)]];
    return isWish(below) ? [[name, added(value, below)]] : [];
  });
  return Object.fromEntries(kept);
}

/** Lists whose items are owned one by one, by keys or as values; any other is one value. */
function settleList(live: readonly unknown[], saved: readonly unknown[], claims: readonly Claim[]): unknown {
  const segments = [...new Set(claims.flatMap(({ fields }) => Object.keys(fields)))];
  const keyed = segments.filter((segment) => segment.startsWith('k:'));
  const names = Object.keys(keysIn(keyed[0]));
  if (names.length === 0 && !segments.some((segment) => segment.startsWith('v:'))) return live;
  return live.flatMap((item): unknown[] => {
    const segment = isFields(item) ? keyed.find((one) => hasKeys(item, keysIn(one))) : `v:${JSON.stringify(item)}`;
    const below = segment === undefined ? [] : step(claims, segment);
    const before = saved.find((one) => (isFields(item) && isFields(one) ? names.every((name) => one[name] === item[name]) : one === item));
    if (before !== undefined) return [settle(item, before, below)];
    return isWish(below) ? [added(item, below)] : [];
  });
}

/** Of what is new and at least in part wished for: that part. */
function added(value: unknown, claims: readonly Claim[]): unknown {
  if (!isFields(value)) return value;
  const kept = Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
    const below = step(claims, `f:${name}`);
    return isWish(below) ? [[name, added(one, below)]] : [];
  });
  return Object.fromEntries(kept);
}

const isWish = (claims: readonly Claim[]) => claims.some(({ by }) => by === 'wish');

/** Who owns a field owns what lies in it, where nothing more is said. */
function step(claims: readonly Claim[], segment: string): Claim[] {
  return claims.flatMap(({ by, fields }) => {
    if (Object.keys(fields).length === 0) return [{ by, fields }];
    return isFields(fields[segment]) ? [{ by, fields: fields[segment] }] : [];
  });
}

const hasKeys = (item: Fields, keys: Fields) => Object.entries(keys).every(([name, value]) => item[name] === value);

/** `k:{"name":"web"}` */
function keysIn(segment: string | undefined): Fields {
  return segment === undefined ? {} : fieldsOf(JSON.parse(segment.slice(2)));
}
