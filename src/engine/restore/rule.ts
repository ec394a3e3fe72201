/** What a restore changes in an object, as data: each rule is a row of the table in docs/restore.md. */
import type { ClusterObject } from '../../cluster/cluster.ts';

export interface Rule {
  /** By `plural.group`, or everyKind. */
  readonly resources: readonly string[];
  /** Everything that the rule may change lies at one of these, or below; pointers.ts says how they are read. */
  readonly places: readonly string[];
  readonly what: string;
  readonly why: string;
  /** Changes the draft that it is given. */
  readonly apply: (draft: ClusterObject, options: CleanOptions, resource: string) => void;
}

export interface CleanOptions {
  readonly preserveNodePorts: boolean;
  readonly restoreStatus: boolean;
  /** The PersistentVolume of a claim comes back too, so the claim stays bound to it. */
  readonly keepVolume: boolean;
  /** Where the objects of a namespace go. */
  readonly mapNamespace: (namespace: string) => string;
  readonly mapStorageClass: (storageClass: string) => string;
}

export const everyKind = '*';

/** Begins the places that lie in the spec of a Pod, wherever a kind keeps one. */
export const podSpec = '{podSpec}';

/** Where kinds keep it. */
export const podSpecs: Readonly<Record<string, string>> = {
  pods: '/spec',
  podtemplates: '/template/spec',
  replicationcontrollers: '/spec/template/spec',
  'daemonsets.apps': '/spec/template/spec',
  'deployments.apps': '/spec/template/spec',
  'replicasets.apps': '/spec/template/spec',
  'statefulsets.apps': '/spec/template/spec',
  'cronjobs.batch': '/spec/jobTemplate/spec/template/spec',
  'jobs.batch': '/spec/template/spec',
};

/** The places of a rule in objects of this resource. */
export function placesIn(resource: string, places: readonly string[]): readonly string[] {
  return places.map((place) => (place.startsWith(podSpec) ? `${podSpecs[resource] ?? ''}${place.slice(podSpec.length)}` : place));
}
