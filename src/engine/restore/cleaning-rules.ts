/** What of single kinds belongs to the cluster that they came from. One function a kind; each changes the draft it is given. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Fields } from '../selection/fields.ts';
import { dropKeys, fieldsOf, filterList, listOf } from '../selection/fields.ts';

export interface CleanOptions {
  readonly preserveNodePorts: boolean;
  /** The PersistentVolume of a claim comes back too, so the claim stays bound to it. */
  readonly keepVolume: boolean;
  /** Where the objects of a namespace go. */
  readonly mapNamespace: (namespace: string) => string;
}

type Rule = (draft: ClusterObject, options: CleanOptions) => void;

/** By `plural.group`. */
export const cleaningRules: Readonly<Record<string, Rule>> = {
  namespaces: cleanNamespace,
  persistentvolumeclaims: cleanClaim,
  persistentvolumes: cleanVolume,
  pods: cleanPod,
  services: cleanService,
  serviceaccounts: cleanServiceAccount,
  'jobs.batch': cleanJob,
  'rolebindings.rbac.authorization.k8s.io': mapSubjects,
  'clusterrolebindings.rbac.authorization.k8s.io': mapSubjects,
};

/** https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name */
const nameLabel = 'kubernetes.io/metadata.name';

function cleanNamespace({ metadata }: ClusterObject, { mapNamespace }: CleanOptions): void {
  metadata.name = mapNamespace(metadata.name);
  const labels = fieldsOf(metadata['labels']);
  if (nameLabel in labels) labels[nameLabel] = metadata.name;
}

/** Written by the binder; with them a claim whose volume is gone would count as lost for ever. */
const bindings = ['pv.kubernetes.io/bind-completed', 'pv.kubernetes.io/bound-by-controller'];

function cleanClaim(draft: ClusterObject, { keepVolume }: CleanOptions): void {
  dropKeys(draft.metadata, 'annotations', [...bindings, 'volume.kubernetes.io/selected-node']);
  if (!keepVolume) delete fieldsOf(draft['spec'])['volumeName'];
}

/** The volume waits for the claim of that name, whatever uid it will have. */
function cleanVolume(draft: ClusterObject, { mapNamespace }: CleanOptions): void {
  dropKeys(draft.metadata, 'annotations', bindings);
  const claim = fieldsOf(fieldsOf(draft['spec'])['claimRef']);
  delete claim['uid'];
  delete claim['resourceVersion'];
  if (typeof claim['namespace'] === 'string') claim['namespace'] = mapNamespace(claim['namespace']);
}

/** Mounted by the admission of ServiceAccounts, which does so anew. */
const isTokenVolume = ({ name }: Fields) => typeof name === 'string' && name.startsWith('kube-api-access-');

function cleanPod(draft: ClusterObject): void {
  const spec = fieldsOf(draft['spec']);
  delete spec['nodeName'];
  delete spec['ephemeralContainers'];
  filterList(spec, 'volumes', (volume) => !isTokenVolume(volume));
  for (const container of [...listOf(spec['containers']), ...listOf(spec['initContainers'])])
    filterList(container, 'volumeMounts', (mount) => !isTokenVolume(mount));
}

/** A headless Service says None, which is its will; any other address was given to it. */
function cleanService(draft: ClusterObject, { preserveNodePorts }: CleanOptions): void {
  const spec = fieldsOf(draft['spec']);
  if (spec['clusterIP'] !== 'None') {
    delete spec['clusterIP'];
    delete spec['clusterIPs'];
  }
  if (preserveNodePorts) return;
  delete spec['healthCheckNodePort'];
  for (const port of listOf(spec['ports'])) delete port['nodePort'];
}

/** Secrets with tokens were made for the account and are not restored. */
function cleanServiceAccount(draft: ClusterObject): void {
  const made = [`${draft.metadata.name}-token-`, `${draft.metadata.name}-dockercfg-`];
  const isKept = ({ name }: Fields) => !made.some((prefix) => String(name).startsWith(prefix));
  filterList(draft, 'secrets', isKept);
  filterList(draft, 'imagePullSecrets', isKept);
}

/** Made from the uid of the Job, unless it says otherwise; the server refuses them in a new one. */
const jobLabels = ['controller-uid', 'batch.kubernetes.io/controller-uid'];

function cleanJob(draft: ClusterObject): void {
  const spec = fieldsOf(draft['spec']);
  if (spec['manualSelector'] === true) return;
  delete spec['selector'];
  dropKeys(draft.metadata, 'labels', jobLabels);
  dropKeys(fieldsOf(fieldsOf(spec['template'])['metadata']), 'labels', jobLabels);
}

function mapSubjects(draft: ClusterObject, { mapNamespace }: CleanOptions): void {
  for (const subject of listOf(draft['subjects']))
    if (typeof subject['namespace'] === 'string') subject['namespace'] = mapNamespace(subject['namespace']);
}
