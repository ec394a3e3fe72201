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
  /** What those own who write for the cluster, not for a user. */
  readonly controllers: Fields | undefined;
}

export const nobody: Owners = { all: undefined, controllers: undefined };

/** Undefined for an object whose fields nobody keeps account of. */
export function ownersOf({ metadata }: ClusterObject): Owners | undefined {
  const entries = listOf(metadata['managedFields']);
  if (entries.length === 0) return undefined;
  const union = (some: readonly Fields[]) =>
    some.reduce<Fields | undefined>((sum, entry) => merged(sum, fieldsOf(entry['fieldsV1'])), undefined);
  return { all: union(entries), controllers: union(entries.filter(isControllers)) };
}

/** Of a field or an entry that lies at a node. */
export function ownersAt({ all, controllers }: Owners, step: string): Owners {
  return { all: childOf(all, step), controllers: childOf(controllers, step) };
}

/**
 * Names of programs that keep a cluster in order, as they call themselves: those of the control plane, and what operators end in. A tool that a
 * user runs goes by the name of a client: kubectl-edit, helm, kylon.
 */
const controllerName = /(^|-)(apiserver|autoscaler|controller|kubelet|manager|operator|provisioner|scheduler)$/;

/** A write to a subresource is a report or an order about something that is there; status and scale are the usual ones. */
export const isControllers = ({ manager, subresource }: Fields) =>
  (typeof subresource === 'string' && subresource !== '') || (typeof manager === 'string' && controllerName.test(manager));

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
