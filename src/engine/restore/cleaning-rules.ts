/** What of objects belongs to the cluster that they came from, and is left out on the way back. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Fields } from '../selection/fields.ts';
import { dropKeys, fieldsOf, filterList, listOf } from '../selection/fields.ts';
import { claims, namespaces, volumes } from '../selection/known.ts';
import { removeAt } from './pointers.ts';
import { everyKind } from './rule.ts';
import type { CleanOptions, Rule } from './rule.ts';

/** A rule that leaves out what lies at its places. */
function without(resources: readonly string[], places: readonly string[], why: string, what = 'left out'): Rule {
  const apply = (draft: ClusterObject) => {
    for (const place of places) removeAt(draft, place);
  };
  return { resources, places, what, why, apply };
}

const annotation = (key: string) => `/metadata/annotations/${key.replace('/', '~1')}`;

/** On which node the first Pod of a claim runs: written by the scheduler, read by the driver. */
export const selectedNode = 'volume.kubernetes.io/selected-node';
/** Written by the binder. */
const bindings = ['pv.kubernetes.io/bind-completed', 'pv.kubernetes.io/bound-by-controller'];
/** Of a claim. */
export const claimNotes = [...bindings, selectedNode];
const jobLabels = ['controller-uid', 'batch.kubernetes.io/controller-uid'];

export const cleaningRules: readonly Rule[] = [
  without(
    [everyKind],
    ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'].map((field) => `/metadata/${field}`),
    'the server makes them',
  ),
  without(
    [everyKind],
    ['/metadata/deletionTimestamp', '/metadata/deletionGracePeriodSeconds'],
    'they belong to a deletion that had begun when the backup was made',
  ),
  {
    resources: [everyKind],
    places: ['/status'],
    what: 'left out, unless spec.restoreStatus',
    why: 'it says what was, not what is wanted; controllers find it out anew',
    apply: (draft, { restoreStatus }) => void (restoreStatus || delete draft['status']),
  },
  {
    resources: [everyKind],
    places: ['/metadata/finalizers'],
    what: 'foregroundDeletion and orphan are left out',
    why: 'they are orders to the garbage collector that end with a deletion',
    apply: dropDeletionFinalizers,
  },
  {
    resources: [claims],
    places: ['/metadata/annotations'],
    what: `${claimNotes.join(', ')} are left out`,
    why: 'with them a claim whose volume is gone counts as lost for ever',
    apply: ({ metadata }) => dropKeys(metadata, 'annotations', claimNotes),
  },
  {
    resources: [claims],
    places: ['/spec/volumeName'],
    what: 'left out, unless its volume comes back too, to the same namespace',
    why: 'the claim would wait for a volume that is gone',
    apply: (draft, { keepVolume }) => void (keepVolume || removeAt(draft, '/spec/volumeName')),
  },
  {
    resources: [volumes],
    places: ['/metadata/annotations'],
    what: `${bindings.join(', ')} are left out`,
    why: 'the volume waits for its claim again',
    apply: ({ metadata }) => dropKeys(metadata, 'annotations', bindings),
  },
  without(
    [volumes],
    ['/spec/claimRef/uid', '/spec/claimRef/resourceVersion'],
    'the volume waits for the claim of that name, whatever uid it will have',
  ),
  without(['pods'], ['/spec/nodeName', '/spec/ephemeralContainers'], 'the scheduler chooses a node, and debugging ended with the old Pod'),
  without(['pods'], ['/spec/priority', '/spec/preemptionPolicy'], 'admission takes them from the PriorityClass'),
  {
    resources: ['pods'],
    places: ['/spec/volumes', '/spec/containers/*/volumeMounts', '/spec/initContainers/*/volumeMounts'],
    what: 'kube-api-access-* is left out',
    why: 'admission mounts a token of the new ServiceAccount',
    apply: dropTokenVolumes,
  },
  {
    resources: ['services'],
    places: ['/spec/clusterIP', '/spec/clusterIPs'],
    what: 'kept where the Service comes back to its namespace and the address is free, otherwise left out, and the result says so; None stays',
    why: 'clients may remember it, but another Service may have it by now',
    apply: dropAddress,
  },
  {
    resources: ['services'],
    places: ['/spec/ports/*/nodePort', '/spec/healthCheckNodePort'],
    what: 'left out, unless spec.preserveNodePorts',
    why: 'the cluster assigns free ones',
    apply: dropNodePorts,
  },
  {
    resources: ['serviceaccounts'],
    places: ['/secrets', '/imagePullSecrets'],
    what: 'NAME-token-* and NAME-dockercfg-* are left out',
    why: 'they were made for the old account, and are not restored',
    apply: dropMadeSecrets,
  },
  {
    resources: ['secrets'],
    places: ['/data/token', '/data/ca.crt', '/data/namespace', annotation('kubernetes.io/service-account.uid')],
    what: 'left out where the type is kubernetes.io/service-account-token',
    why: 'the token belongs to an account that is no more; the cluster puts a new one in',
    apply: dropToken,
  },
  {
    resources: ['jobs.batch'],
    places: ['/spec/selector', '/metadata/labels', '/spec/template/metadata/labels'],
    what: 'the selector, controller-uid and batch.kubernetes.io/controller-uid are left out, unless spec.manualSelector',
    why: 'they are made from the uid of the Job, and the server refuses them in a new one',
    apply: dropJobSelector,
  },
  {
    resources: [namespaces],
    places: ['/metadata/name', '/metadata/labels/kubernetes.io~1metadata.name'],
    what: 'mapped by spec.namespaceMapping',
    why: 'the label says the name: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name',
    apply: renameNamespace,
  },
];

const deletionFinalizers = new Set(['foregroundDeletion', 'orphan']);

function dropDeletionFinalizers({ metadata }: ClusterObject): void {
  if (!Array.isArray(metadata['finalizers'])) return;
  const kept = metadata['finalizers'].filter((finalizer) => !deletionFinalizers.has(String(finalizer)));
  if (kept.length) metadata['finalizers'] = kept;
  else delete metadata['finalizers'];
}

const nameLabel = 'kubernetes.io/metadata.name';

function renameNamespace({ metadata }: ClusterObject, { mapNamespace }: CleanOptions): void {
  metadata.name = mapNamespace(metadata.name);
  const labels = fieldsOf(metadata['labels']);
  if (nameLabel in labels) labels[nameLabel] = metadata.name;
}

const isTokenVolume = ({ name }: Fields) => typeof name === 'string' && name.startsWith('kube-api-access-');

function dropTokenVolumes(draft: ClusterObject): void {
  const spec = fieldsOf(draft['spec']);
  filterList(spec, 'volumes', (volume) => !isTokenVolume(volume));
  for (const container of [...listOf(spec['containers']), ...listOf(spec['initContainers'])])
    filterList(container, 'volumeMounts', (mount) => !isTokenVolume(mount));
}

/** A headless Service says None, which is its will; any other address was given to it. */
function dropAddress(draft: ClusterObject): void {
  const spec = fieldsOf(draft['spec']);
  if (spec['clusterIP'] === 'None') return;
  delete spec['clusterIP'];
  delete spec['clusterIPs'];
}

function dropNodePorts(draft: ClusterObject, { preserveNodePorts }: CleanOptions): void {
  if (preserveNodePorts) return;
  removeAt(draft, '/spec/healthCheckNodePort');
  removeAt(draft, '/spec/ports/*/nodePort');
}

function dropMadeSecrets(draft: ClusterObject): void {
  const made = [`${draft.metadata.name}-token-`, `${draft.metadata.name}-dockercfg-`];
  const isKept = ({ name }: Fields) => !made.some((prefix) => String(name).startsWith(prefix));
  filterList(draft, 'secrets', isKept);
  filterList(draft, 'imagePullSecrets', isKept);
}

export const tokenType = 'kubernetes.io/service-account-token';

function dropToken(draft: ClusterObject): void {
  if (draft['type'] !== tokenType) return;
  dropKeys(draft, 'data', ['token', 'ca.crt', 'namespace']);
  dropKeys(draft.metadata, 'annotations', ['kubernetes.io/service-account.uid']);
}

function dropJobSelector(draft: ClusterObject): void {
  const spec = fieldsOf(draft['spec']);
  if (spec['manualSelector'] === true) return;
  delete spec['selector'];
  dropKeys(draft.metadata, 'labels', jobLabels);
  dropKeys(fieldsOf(fieldsOf(spec['template'])['metadata']), 'labels', jobLabels);
}
