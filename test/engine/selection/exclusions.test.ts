import { describe, expect, it } from 'vitest';
import { groupIsExcluded, objectExclusion, resourceExclusion } from '../../../src/engine/selection/exclusions.ts';
import { apiResource } from '../memory-cluster.ts';

const reasonFor = (resource: string, group = '', verbs = ['list', 'create']) =>
  resourceExclusion(apiResource({ resource, group, kind: 'X', verbs }));

describe('resourceExclusion', () => {
  it.each([
    ['backups', 'backup.kylon.io'],
    ['events', ''],
    ['events', 'events.k8s.io'],
    ['nodes', ''],
    ['leases', 'coordination.k8s.io'],
    ['csinodes', 'storage.k8s.io'],
    ['volumeattachments', 'storage.k8s.io'],
    ['pods', 'metrics.k8s.io'],
    ['tokenreviews', 'authentication.k8s.io'],
  ])('leaves out %s.%s', (resource, group) => expect(reasonFor(resource, group)).toEqual(expect.any(String)));

  it.each([
    ['configmaps', ''],
    ['roles', 'rbac.authorization.k8s.io'],
    ['controllerrevisions', 'apps'],
    ['events', 'example.com'],
    ['nodes', 'example.com'],
  ])('keeps %s.%s', (resource, group) => expect(reasonFor(resource, group)).toBeUndefined());

  it('leaves out what cannot be listed or made', () => {
    expect(reasonFor('things', 'example.com', ['create'])).toMatch('listed');
    expect(reasonFor('things', 'example.com', ['list', 'get'])).toMatch('created');
  });
});

describe('groupIsExcluded', () => {
  it('knows groups that cost nothing when they do not answer', () => {
    expect(groupIsExcluded('metrics.k8s.io/v1beta1')).toBe(true);
    expect(groupIsExcluded('rbac.authorization.k8s.io/v1')).toBe(false);
    expect(groupIsExcluded('v1')).toBe(false);
  });
});

describe('objectExclusion', () => {
  it.each([
    ['the label', 'secrets', { name: 'a', labels: { 'backup.kylon.io/exclude': 'true' } }],
    ['a controller of endpoints', 'endpoints', { name: 'a', labels: { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' } }],
    ['an older one', 'endpoints', { name: 'a', annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': 'x' } }],
    [
      'a controller of slices',
      'endpointslices.discovery.k8s.io',
      { name: 'a', labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' } },
    ],
    [
      'the API server',
      'apiservices.apiregistration.k8s.io',
      { name: 'v1.', labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
    ],
    ['the publisher of the root CA', 'configmaps', { name: 'kube-root-ca.crt' }],
    ['the kubelet', 'pods', { name: 'proxy-node', annotations: { 'kubernetes.io/config.mirror': 'x' } }],
  ])('leaves out by %s', (_, resource, marks) => expect(objectExclusion(resource, marks)).toEqual(expect.any(String)));

  it.each([
    ['configmaps', { name: 'a' }],
    ['configmaps', { name: 'a', labels: { 'backup.kylon.io/exclude': 'false' } }],
    ['endpoints', { name: 'by-hand' }],
    ['endpointslices.discovery.k8s.io', { name: 'by-hand', labels: { 'endpointslice.kubernetes.io/managed-by': 'me' } }],
    ['pods', { name: 'a', annotations: { other: 'x' } }],
  ])('keeps other %s', (resource, marks) => expect(objectExclusion(resource, marks)).toBeUndefined());
});
