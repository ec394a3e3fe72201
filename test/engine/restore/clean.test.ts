import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { clean } from '../../../src/engine/restore/clean.ts';
import type { CleanOptions } from '../../../src/engine/restore/rule.ts';
import { reasonNotToRestore } from '../../../src/engine/restore/not-restored.ts';

type Fields = Record<string, unknown>;
const object = (fields: Fields, metadata: Fields = {}): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'a', ...metadata },
  ...fields,
});
const same = (name: string) => name;
const plain: CleanOptions = {
  preserveNodePorts: false,
  restoreStatus: false,
  keepVolume: false,
  mapNamespace: same,
  mapStorageClass: same,
};
const map = (name: string) => (name === 'from' ? 'to' : name);
const mapped: CleanOptions = { ...plain, mapNamespace: map, mapStorageClass: map };

describe('clean', () => {
  it('keeps the will and drops what the server wrote', () => {
    const wanted = { generateName: 'a-', labels: { l: 'v' }, annotations: { a: 'v' }, finalizers: ['example.com/hold'] };
    const made = { uid: 'u', resourceVersion: '1', generation: 3, creationTimestamp: 't', managedFields: [], selfLink: '/' };
    const saved = object(
      { spec: { x: 1 }, status: { y: 2 } },
      { ...wanted, ...made, deletionTimestamp: 't', deletionGracePeriodSeconds: 0 },
    );
    const before = structuredClone(saved);
    expect(clean('things.example.com', saved, plain)).toEqual(object({ spec: { x: 1 } }, wanted));
    expect(saved).toEqual(before);
  });

  it('drops the orders of a deletion that had begun', () => {
    const finalizers = ['foregroundDeletion', 'example.com/hold', 'orphan'];
    expect(clean('things', object({}, { finalizers }), plain).metadata['finalizers']).toEqual(['example.com/hold']);
    expect(clean('things', object({}, { finalizers: ['orphan'] }), plain).metadata).toEqual({ name: 'a' });
  });

  it.each<[string, string, CleanOptions, Fields, Fields, Fields?, Fields?]>([
    [
      'addresses and node ports of a Service',
      'services',
      plain,
      { spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], healthCheckNodePort: 3, ports: [{ port: 80, nodePort: 30000 }] } },
      { spec: { ports: [{ port: 80 }] } },
    ],
    [
      'its address alone where ports are preserved',
      'services',
      { ...plain, preserveNodePorts: true },
      { spec: { clusterIP: '10.0.0.1', healthCheckNodePort: 3, ports: [{ port: 80, nodePort: 30000 }] } },
      { spec: { healthCheckNodePort: 3, ports: [{ port: 80, nodePort: 30000 }] } },
    ],
    [
      'nothing of a headless Service',
      'services',
      plain,
      { spec: { clusterIP: 'None', clusterIPs: ['None'] } },
      { spec: { clusterIP: 'None', clusterIPs: ['None'] } },
    ],
    [
      'the binding of a claim',
      'persistentvolumeclaims',
      plain,
      { spec: { volumeName: 'pv', storageClassName: 's' } },
      { spec: { storageClassName: 's' } },
      { annotations: { 'pv.kubernetes.io/bind-completed': 'yes', mine: 'x' } },
      { annotations: { mine: 'x' } },
    ],
    [
      'not the volume that comes back',
      'persistentvolumeclaims',
      { ...plain, keepVolume: true },
      { spec: { volumeName: 'pv' } },
      { spec: { volumeName: 'pv' } },
      { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      {},
    ],
    [
      'which claim exactly a volume was bound to',
      'persistentvolumes',
      mapped,
      { spec: { claimRef: { namespace: 'from', name: 'c', uid: 'u', resourceVersion: '1' } } },
      { spec: { claimRef: { namespace: 'to', name: 'c' } } },
    ],
    [
      'the node and the tokens of a Pod',
      'pods',
      plain,
      {
        spec: {
          nodeName: 'n',
          ephemeralContainers: [{}],
          volumes: [{ name: 'kube-api-access-x' }, { name: 'data' }],
          containers: [{ name: 'c', volumeMounts: [{ name: 'kube-api-access-x' }, { name: 'data' }] }],
          initContainers: [{ name: 'i', volumeMounts: [{ name: 'kube-api-access-x' }] }],
        },
      },
      {
        spec: {
          volumes: [{ name: 'data' }],
          containers: [{ name: 'c', volumeMounts: [{ name: 'data' }] }],
          initContainers: [{ name: 'i' }],
        },
      },
    ],
    [
      'the tokens of a ServiceAccount',
      'serviceaccounts',
      plain,
      { secrets: [{ name: 'a-token-x' }, { name: 'mine' }], imagePullSecrets: [{ name: 'a-dockercfg-x' }] },
      { secrets: [{ name: 'mine' }] },
    ],
    [
      'what a PriorityClass says',
      'pods',
      plain,
      { spec: { priority: 1000, preemptionPolicy: 'Never', priorityClassName: 'high' } },
      { spec: { priorityClassName: 'high' } },
    ],
    [
      'the token in a Secret that asks for one',
      'secrets',
      plain,
      { type: 'kubernetes.io/service-account-token', data: { token: 'x', 'ca.crt': 'x', namespace: 'x', mine: 'x' } },
      { type: 'kubernetes.io/service-account-token', data: { mine: 'x' } },
      { annotations: { 'kubernetes.io/service-account.name': 'web', 'kubernetes.io/service-account.uid': 'u' } },
      { annotations: { 'kubernetes.io/service-account.name': 'web' } },
    ],
    ['no status that is to be restored', 'things', { ...plain, restoreStatus: true }, { status: { x: 1 } }, { status: { x: 1 } }],
    [
      'what was made of the uid of a Job',
      'jobs.batch',
      plain,
      { spec: { selector: {}, template: { metadata: { labels: { 'controller-uid': 'u', app: 'x' } } } } },
      { spec: { template: { metadata: { labels: { app: 'x' } } } } },
      { labels: { 'batch.kubernetes.io/controller-uid': 'u' } },
      {},
    ],
    [
      'nothing of a Job that chose its selector',
      'jobs.batch',
      plain,
      { spec: { manualSelector: true, selector: { matchLabels: { a: 'b' } } } },
      { spec: { manualSelector: true, selector: { matchLabels: { a: 'b' } } } },
    ],
  ])('drops %s', (_, resource, options, fields, expected, metadata = {}, cleaned = {}) => {
    expect(clean(resource, object(fields, metadata), options)).toEqual(object(expected, cleaned));
  });

  it('moves what lay in a mapped namespace, and who is meant there', () => {
    expect(clean('configmaps', object({}, { namespace: 'from' }), mapped).metadata.namespace).toBe('to');
    const subjects = [
      { kind: 'ServiceAccount', name: 's', namespace: 'from' },
      { kind: 'User', name: 'u' },
    ];
    const moved = [
      { kind: 'ServiceAccount', name: 's', namespace: 'to' },
      { kind: 'User', name: 'u' },
    ];
    for (const kind of ['rolebindings', 'clusterrolebindings'])
      expect(clean(`${kind}.rbac.authorization.k8s.io`, object({ subjects }), mapped)['subjects']).toEqual(moved);
    const namespace = object({}, { name: 'from', labels: { 'kubernetes.io/metadata.name': 'from', team: 'x' } });
    expect(clean('namespaces', namespace, mapped).metadata).toEqual({
      name: 'to',
      labels: { 'kubernetes.io/metadata.name': 'to', team: 'x' },
    });
  });
});

describe('reasonNotToRestore', () => {
  it.each([
    [
      'secrets',
      { type: 'kubernetes.io/service-account-token' },
      { name: 'web-token-x', annotations: { 'kubernetes.io/service-account.name': 'web' } },
    ],
    ['pods', { status: { phase: 'Succeeded' } }, {}],
    ['persistentvolumeclaims', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }] }],
    ['pods', { status: { phase: 'Running' } }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }],
    ['jobs.batch', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }, {}],
    [
      'persistentvolumes',
      { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
      { annotations: { 'pv.kubernetes.io/provisioned-by': 'x' } },
    ],
  ])('leaves out %s %j', (resource, fields, metadata) =>
    expect(reasonNotToRestore(resource, object(fields, metadata))).toEqual(expect.any(String)),
  );

  it.each([
    ['secrets', { type: 'Opaque' }, {}],
    [
      'secrets',
      { type: 'kubernetes.io/service-account-token' },
      { name: 'mine', annotations: { 'kubernetes.io/service-account.name': 'web' } },
    ],
    [
      'persistentvolumeclaims',
      {},
      { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 's', uid: 'u', controller: true }] },
    ],
    ['pods', { status: { phase: 'Running' } }, {}],
    ['jobs.batch', { status: { conditions: [{ type: 'Complete', status: 'False' }] } }, {}],
    [
      'persistentvolumes',
      { spec: { persistentVolumeReclaimPolicy: 'Retain' } },
      { annotations: { 'pv.kubernetes.io/provisioned-by': 'x' } },
    ],
    ['persistentvolumes', { spec: { persistentVolumeReclaimPolicy: 'Delete' } }, {}],
  ])('restores %s %j', (resource, fields, metadata) => expect(reasonNotToRestore(resource, object(fields, metadata))).toBeUndefined());
});
