/** Where objects name a namespace or a StorageClass: what spec.namespaceMapping and spec.storageClassMapping change. */
import { fieldsOf, listOf } from '../selection/fields.ts';
import { claims, definitions, volumes } from '../selection/known.ts';
import { changeTexts, visitAt } from './pointers.ts';
import { everyKind, placesIn, podSpec, podSpecs } from './rule.ts';
import type { CleanOptions, Rule } from './rule.ts';

const namespaceIn = (resources: readonly string[], places: readonly string[], why: string): Rule => ({
  resources,
  places,
  what: 'mapped by spec.namespaceMapping',
  why,
  apply: (draft, { mapNamespace }, resource) => {
    for (const place of placesIn(resource, places)) changeTexts(draft, place, mapNamespace);
  },
});

/** Label selectors of namespaces: those that choose by name. */
const selectorIn = (resources: readonly string[], places: readonly string[]): Rule => ({
  resources,
  places,
  what: 'values of kubernetes.io/metadata.name are mapped by spec.namespaceMapping',
  why: 'it chooses namespaces by their names',
  apply: (draft, options, resource) => {
    for (const place of placesIn(resource, places)) visitAt(draft, place, (owner, key) => mapSelector(owner[key], options));
  },
});

const accountIn = (resources: readonly string[], places: readonly string[]): Rule => ({
  resources,
  places,
  what: 'the namespace in system:serviceaccount:NAMESPACE:NAME and system:serviceaccounts:NAMESPACE is mapped by spec.namespaceMapping',
  why: 'so RBAC names ServiceAccounts as users, and as groups',
  apply: (draft, { mapNamespace }) => {
    for (const place of places) changeTexts(draft, place, (name) => mapAccount(name, mapNamespace));
  },
});

const storageClassIn = (resources: readonly string[], places: readonly string[], why: string): Rule => ({
  resources,
  places,
  what: 'mapped by spec.storageClassMapping',
  why,
  apply: (draft, { mapStorageClass }, resource) => {
    for (const place of placesIn(resource, places)) changeTexts(draft, place, mapStorageClass);
  },
});

const withPods = Object.keys(podSpecs);
const affinities = ['podAffinity', 'podAntiAffinity'].flatMap((kind) => [
  `${podSpec}/affinity/${kind}/requiredDuringSchedulingIgnoredDuringExecution/*`,
  `${podSpec}/affinity/${kind}/preferredDuringSchedulingIgnoredDuringExecution/*/podAffinityTerm`,
]);
const webhooks = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map(inAdmission);
const policies = ['mutatingadmissionpolicies', 'validatingadmissionpolicies'].map(inAdmission);
const policyBindings = ['mutatingadmissionpolicybindings', 'validatingadmissionpolicybindings'].map(inAdmission);
const bindings = ['clusterrolebindings', 'rolebindings'].map((resource) => `${resource}.rbac.authorization.k8s.io`);
const routes = ['grpcroutes', 'httproutes', 'tcproutes', 'tlsroutes', 'udproutes'].map((route) => `${route}.gateway.networking.k8s.io`);
const flowSchemas = 'flowschemas.flowcontrol.apiserver.k8s.io';
const classAnnotation = 'metadata/annotations/volume.beta.kubernetes.io~1storage-class';

export const mappingRules: readonly Rule[] = [
  namespaceIn([everyKind], ['/metadata/namespace'], 'it goes there'),
  namespaceIn(bindings, ['/subjects/*/namespace'], 'the ServiceAccount of a binding'),
  accountIn(bindings, ['/subjects/*/name']),
  namespaceIn(webhooks, ['/webhooks/*/clientConfig/service/namespace'], 'the Service that answers'),
  selectorIn(webhooks, ['/webhooks/*/namespaceSelector']),
  selectorIn(policies, ['/spec/matchConstraints/namespaceSelector']),
  selectorIn(policyBindings, ['/spec/matchResources/namespaceSelector']),
  namespaceIn(policyBindings, ['/spec/paramRef/namespace'], 'where the parameters lie'),
  namespaceIn([definitions], ['/spec/conversion/webhook/clientConfig/service/namespace'], 'the Service that converts'),
  namespaceIn(['apiservices.apiregistration.k8s.io'], ['/spec/service/namespace'], 'the Service that answers'),
  namespaceIn([flowSchemas], ['/spec/rules/*/subjects/*/serviceAccount/namespace'], 'the ServiceAccount that it is about'),
  accountIn([flowSchemas], ['/spec/rules/*/subjects/*/user/name', '/spec/rules/*/subjects/*/group/name']),
  namespaceIn([volumes], ['/spec/claimRef/namespace'], 'the claim that it is bound to'),
  namespaceIn(
    [volumes],
    [
      ...['controllerExpand', 'controllerPublish', 'nodeExpand', 'nodePublish', 'nodeStage'].map(
        (use) => `/spec/csi/${use}SecretRef/namespace`,
      ),
      ...['cephfs', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'].map((driver) => `/spec/${driver}/secretRef/namespace`),
      '/spec/azureFile/secretNamespace',
      '/spec/glusterfs/endpointsNamespace',
    ],
    'the Secret by which it is mounted',
  ),
  namespaceIn([claims], ['/spec/dataSourceRef/namespace'], 'where its content comes from'),
  namespaceIn(
    ['storageclasses.storage.k8s.io'],
    ['provisioner', 'controller-publish', 'node-stage', 'node-publish', 'controller-expand', 'node-expand'].map(
      (use) => `/parameters/csi.storage.k8s.io~1${use}-secret-namespace`,
    ),
    'the Secret of its driver',
  ),
  namespaceIn(
    ['volumesnapshotcontents.snapshot.storage.k8s.io'],
    ['/spec/volumeSnapshotRef/namespace'],
    'the VolumeSnapshot it is bound to',
  ),
  selectorIn(['networkpolicies.networking.k8s.io'], ['/spec/ingress/*/from/*/namespaceSelector', '/spec/egress/*/to/*/namespaceSelector']),
  namespaceIn(['ingressclasses.networking.k8s.io'], ['/spec/parameters/namespace'], 'where the parameters lie'),
  namespaceIn(
    ['endpoints'],
    ['addresses', 'notReadyAddresses'].map((list) => `/subsets/*/${list}/*/targetRef/namespace`),
    'the Pod behind it',
  ),
  namespaceIn(['endpointslices.discovery.k8s.io'], ['/endpoints/*/targetRef/namespace'], 'the Pod behind it'),
  namespaceIn(routes, ['/spec/parentRefs/*/namespace', '/spec/rules/*/backendRefs/*/namespace'], 'the Gateways and Services of a route'),
  namespaceIn(['referencegrants.gateway.networking.k8s.io'], ['/spec/from/*/namespace'], 'from where references are allowed'),
  namespaceIn(
    withPods,
    affinities.map((term) => `${term}/namespaces/*`),
    'beside whose Pods it runs, or not',
  ),
  selectorIn(
    withPods,
    affinities.map((term) => `${term}/namespaceSelector`),
  ),
  storageClassIn([claims, volumes], ['/spec/storageClassName', `/${classAnnotation}`], 'the class of the storage'),
  storageClassIn(
    ['statefulsets.apps'],
    ['/spec/volumeClaimTemplates/*/spec/storageClassName', `/spec/volumeClaimTemplates/*/${classAnnotation}`],
    'the class of claims that will be made',
  ),
  storageClassIn(
    withPods,
    [
      `${podSpec}/volumes/*/ephemeral/volumeClaimTemplate/spec/storageClassName`,
      `${podSpec}/volumes/*/ephemeral/volumeClaimTemplate/${classAnnotation}`,
    ],
    'the class of claims that will be made',
  ),
];

function inAdmission(resource: string): string {
  return `${resource}.admissionregistration.k8s.io`;
}

const nameLabel = 'kubernetes.io/metadata.name';

function mapSelector(selector: unknown, { mapNamespace }: CleanOptions): void {
  changeTexts(selector, '/matchLabels/kubernetes.io~1metadata.name', mapNamespace);
  for (const requirement of listOf(fieldsOf(selector)['matchExpressions']))
    if (requirement['key'] === nameLabel) changeTexts(requirement, '/values/*', mapNamespace);
}

/** https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects */
function mapAccount(name: string, mapNamespace: (namespace: string) => string): string {
  const [, prefix, namespace, rest] = /^(system:serviceaccounts?:)([^:]+)(:.*)?$/.exec(name) ?? [];
  return prefix && namespace ? `${prefix}${mapNamespace(namespace)}${rest ?? ''}` : name;
}
