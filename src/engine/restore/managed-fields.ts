/**
 * Who has set which field of a live object, as its managedFields say. A set of fields is a tree: `f:NAME` leads to a field, `k:{…}` to
 * the entry of a list with these keys, `v:…` to an entry that is a plain value; a node without children owns all that is below.
 * https://github.com/kubernetes-sigs/structured-merge-diff/blob/master/fieldpath/serialize.go
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { fieldsOf, listOf } from '../selection/fields.ts';
import type { Fields } from '../selection/fields.ts';

export interface Owners {
  /** What anybody owns. */
  readonly all: Fields | undefined;
  /** What those own who write for a user, not for the cluster. */
  readonly users: Fields | undefined;
  /** What anybody has decided. Besides the status itself, what a write to it sets is a report on what others have decided. */
  readonly decided: Fields | undefined;
}

/** Where nobody keeps account of the fields, all of them may be a user's. */
const allUsers: Owners = { all: {}, users: {}, decided: {} };

export function ownersOf({ metadata }: ClusterObject): Owners {
  const entries = listOf(metadata['managedFields']);
  if (entries.length === 0) return allUsers;
  const fields = (some: readonly Fields[]) => some.map((entry) => fieldsOf(entry['fieldsV1']));
  return {
    all: union(fields(entries)),
    users: union(fields(entries.filter((entry) => !isControllers(entry)))),
    decided: union(entries.flatMap(decisionsOf)),
  };
}

/** Of a field or an entry that lies at a node. */
export function ownersAt({ all, users, decided }: Owners, step: string): Owners {
  return { all: childOf(all, step), users: childOf(users, step), decided: childOf(decided, step) };
}

/**
 * Names of programs that keep a cluster in order, as they call themselves: those of the control plane, and what operators end in. A tool that a
 * user runs goes by the name of a client: kubectl-edit, helm, kylon.
 */
const controllerName = /(^|-)(apiserver|autoscaler|controller|kubelet|manager|operator|provisioner|scheduler)$/;

/** A write to a subresource is a report or an order about something that is there; status and scale are the usual ones. */
const isControllers = ({ manager, subresource }: Fields) =>
  (typeof subresource === 'string' && subresource !== '') || (typeof manager === 'string' && controllerName.test(manager));

function decisionsOf({ subresource, fieldsV1 }: Fields): readonly Fields[] {
  if (subresource !== 'status') return [fieldsOf(fieldsV1)];
  const { 'f:status': status } = fieldsOf(fieldsV1);
  return status === undefined ? [] : [{ 'f:status': status }];
}

const union = (sets: readonly Fields[]) => sets.reduce<Fields | undefined>(merged, undefined);

function merged(a: Fields | undefined, b: Fields): Fields {
  const sum: Fields = { ...a };
  for (const [step, child] of Object.entries(b)) sum[step] = merged(childOf(a, step), fieldsOf(child));
  return sum;
}

/** Below a node that owns everything, everything is owned. */
function childOf(node: Fields | undefined, step: string): Fields | undefined {
  if (node === undefined || Object.hasOwn(node, step)) return node && fieldsOf(node[step]);
  return Object.keys(node).length === 0 ? node : undefined;
}
