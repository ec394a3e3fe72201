import { describe, expect, it } from 'vitest';
import type { ApiResource } from '../../../src/cluster/cluster.ts';
import { chooseNamespaces, chooseResources, resolveResource } from '../../../src/engine/selection/selection.ts';
import { apiResource, builtin } from '../memory-cluster.ts';

const existing = ['default', 'team-a', 'team-b', 'team-b-test', 'shop'];

describe('chooseNamespaces', () => {
  it.each([
    ['the own one by default', undefined, undefined, ['shop'], [], false],
    ['an empty list as none', [], undefined, ['shop'], [], false],
    ['names, in order', ['team-b', 'default'], undefined, ['default', 'team-b'], [], false],
    ['a pattern', ['team-*'], undefined, ['team-a', 'team-b', 'team-b-test'], [], false],
    ['one character', ['team-?'], undefined, ['team-a', 'team-b'], [], false],
    ['less what is excluded', ['team-*'], ['*-test', 'team-a'], ['team-b'], [], false],
    ['all', ['*'], ['default'], ['shop', 'team-a', 'team-b', 'team-b-test'], [], true],
    ['what is missing', ['shop', 'gone'], undefined, ['shop'], ['gone'], false],
    ['a pattern that fits nothing, which is not missing', ['x-*'], undefined, [], [], false],
  ])('takes %s', (_, included, excluded, names, missing, everything) => {
    expect(chooseNamespaces(included, excluded, 'shop', existing)).toEqual({ names, missing, everything });
  });
});

const resources: readonly ApiResource[] = [
  ...builtin,
  apiResource({ group: 'serving.example.dev', resource: 'services', kind: 'Service', shortNames: ['ksvc'] }),
  apiResource({ group: 'authorization.k8s.io', resource: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview' }),
];
const named = (found: readonly ApiResource[]) => found.map(({ resource, group }) => (group ? `${resource}.${group}` : resource));

describe('resolveResource', () => {
  it.each([
    ['deployments', ['deployments.apps']],
    ['deployments.apps', ['deployments.apps']],
    ['Deployment', ['deployments.apps']],
    ['deployment', ['deployments.apps']],
    ['deploy', ['deployments.apps']],
    ['deploy.apps', ['deployments.apps']],
    ['deployments.example.com', []],
    ['services', ['services']],
    ['services.serving.example.dev', ['services.serving.example.dev']],
    ['ksvc', ['services.serving.example.dev']],
    ['*.apps', ['deployments.apps', 'replicasets.apps']],
    ['*.authorization.k8s.io', ['localsubjectaccessreviews.authorization.k8s.io']],
    ['*.*.authorization.k8s.io', ['clusterroles.rbac.authorization.k8s.io']],
    ['config*', ['configmaps']],
    ['nothing', []],
  ])('%s', (pattern, expected) => expect(named(resolveResource(pattern, resources))).toEqual(expected));

  it('takes everything for *', () => expect(resolveResource('*', resources)).toHaveLength(resources.length));
});

describe('chooseResources', () => {
  it('takes all by default, in order', () => {
    const chosen = named(chooseResources(undefined, undefined, resources).resources);
    expect(chosen).toEqual([...chosen].sort());
    expect(chosen).toHaveLength(resources.length);
  });

  it('takes what is included, each once, less what is excluded, and tells what is unknown', () => {
    const { resources: chosen, unknown } = chooseResources(
      ['cm', 'configmaps', '*.apps', 'nothing'],
      ['rs', 'never.example.com'],
      resources,
    );
    expect(named(chosen)).toEqual(['configmaps', 'deployments.apps']);
    expect(unknown).toEqual(['nothing', 'never.example.com']);
  });
});
