/** Where objects name a namespace or a StorageClass. */
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { clean } from '../../../src/engine/restore/clean.ts';
import { podSpecs } from '../../../src/engine/restore/rule.ts';
import type { CleanOptions } from '../../../src/engine/restore/rule.ts';

const map = (name: string) => (name === 'from' ? 'to' : name);
const options: CleanOptions = {
  preserveNodePorts: false,
  restoreStatus: false,
  keepVolume: true,
  mapNamespace: map,
  mapStorageClass: (name) => (name === 'slow' ? 'fast' : name),
};

/** Cleans it, and holds it to what is left when every `from` is `to` and every `slow` is `fast`. */
function expectMapped(resource: string, fields: object): void {
  const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'a' }, ...fields } as ClusterObject;
  const moved = JSON.stringify(object).replaceAll(/"(system:serviceaccounts?:)?from(:x)?"(?!:)/g, '"$1to$2"');
  const expected = JSON.parse(moved.replaceAll('"slow"', '"fast"')) as unknown;
  expect(expected).not.toEqual(object);
  expect(clean(resource, object, options)).toEqual(expected);
}

const service = { clientConfig: { service: { namespace: 'from', name: 's' } } };
const byName = {
  matchLabels: { 'kubernetes.io/metadata.name': 'from', other: 'stays' },
  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['from', 'stays'] }],
};
const admission = (resource: string) => `${resource}.admissionregistration.k8s.io`;
const rbac = (resource: string) => `${resource}.rbac.authorization.k8s.io`;
const term = { namespaces: ['from', 'stays'], namespaceSelector: byName, topologyKey: 'zone' };
const affinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [term],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }],
};
const claimTemplate = {
  metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'slow' } },
  spec: { storageClassName: 'slow' },
};

/** The object in which `value` lies at `pointer`. */
const nested = (pointer: string, value: object): object =>
  pointer
    .split('/')
    .slice(1)
    .reduceRight<object>((inner, field) => ({ [field]: inner }), value);

describe('a namespace is mapped', () => {
  it.each<[string, object]>([
    ['configmaps', { metadata: { name: 'a', namespace: 'from' } }],
    [
      admission('validatingwebhookconfigurations'),
      { webhooks: [{ ...service, namespaceSelector: byName }, { clientConfig: { url: 'https://from' } }] },
    ],
    [admission('mutatingwebhookconfigurations'), { webhooks: [{ ...service }] }],
    [admission('validatingadmissionpolicies'), { spec: { matchConstraints: { namespaceSelector: byName } } }],
    [
      admission('validatingadmissionpolicybindings'),
      { spec: { paramRef: { namespace: 'from' }, matchResources: { namespaceSelector: byName } } },
    ],
    ['customresourcedefinitions.apiextensions.k8s.io', { spec: { conversion: { webhook: service } } }],
    ['apiservices.apiregistration.k8s.io', { spec: { service: { namespace: 'from' } } }],
    [
      'persistentvolumes',
      {
        spec: {
          claimRef: { namespace: 'from' },
          csi: { nodeStageSecretRef: { namespace: 'from' }, nodePublishSecretRef: { namespace: 'from' } },
        },
      },
    ],
    ['persistentvolumeclaims', { spec: { dataSourceRef: { namespace: 'from', name: 'x' } } }],
    [
      rbac('rolebindings'),
      {
        subjects: [
          { kind: 'ServiceAccount', namespace: 'from', name: 'x' },
          { kind: 'User', name: 'system:serviceaccount:from:x' },
          { kind: 'Group', name: 'system:serviceaccounts:from' },
          { kind: 'Group', name: 'system:serviceaccounts' },
        ],
      },
    ],
    [rbac('clusterrolebindings'), { subjects: [{ kind: 'User', name: 'system:serviceaccount:from:x' }] }],
    [
      'networkpolicies.networking.k8s.io',
      { spec: { ingress: [{ from: [{ namespaceSelector: byName }] }], egress: [{ to: [{ namespaceSelector: byName }] }] } },
    ],
    ['referencegrants.gateway.networking.k8s.io', { spec: { from: [{ namespace: 'from' }] } }],
  ])('in %s', expectMapped);

  it.each(Object.entries(podSpecs))('in the affinities of Pods, in %s', (resource, pointer) => {
    expectMapped(resource, nested(pointer, { affinity: { podAffinity: affinity, podAntiAffinity: affinity } }));
  });

  it('and nothing that only looks like one', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'X',
      metadata: { name: 'from', labels: { from: 'from' } },
      data: { namespace: 'from' },
      subjects: [{ kind: 'User', name: 'from' }],
    };
    for (const resource of ['configmaps', rbac('rolebindings'), 'things.example.com'])
      expect(clean(resource, object, options)).toEqual(object);
  });

  it('by its own name alone, whatever an object inherits', () => {
    const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'a', namespace: 'constructor' } };
    expect(clean('configmaps', object, options).metadata.namespace).toBe('constructor');
  });
});

describe('a StorageClass is mapped', () => {
  it.each<[string, object]>([
    ['persistentvolumeclaims', claimTemplate],
    ['persistentvolumes', { spec: { storageClassName: 'slow' } }],
    ['statefulsets.apps', { spec: { volumeClaimTemplates: [claimTemplate, { spec: {} }] } }],
    ...Object.entries(podSpecs).map(([resource, pointer]): [string, object] => [
      resource,
      nested(pointer, {
        volumes: [
          { name: 'v', ephemeral: { volumeClaimTemplate: claimTemplate } },
          { name: 'e', emptyDir: {} },
        ],
      }),
    ]),
  ])('in %s', (resource, fields) => {
    const { metadata, ...rest } = fields as { metadata?: object };
    expectMapped(resource, { metadata: { name: 'a', ...metadata }, ...rest });
  });
});
