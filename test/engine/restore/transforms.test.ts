import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { transformOf } from '../../../src/engine/restore/transforms.ts';
import type { Item } from '../../../src/resources/services.ts';
import type { TransformSpec } from '../../../src/resources/transforms.ts';
import { builtin } from '../memory-cluster.ts';

const item: Item = {
  group: '',
  resource: 'configmaps',
  namespace: 'shop',
  name: 'settings',
  version: 'v1',
  kind: 'ConfigMap',
  uid: 'u',
  labels: { app: 'web' },
  bytes: 1,
  sha256: '',
};
const object: ClusterObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'copy' },
  data: { 'a/b': 'x', big: 9007199254740993n },
};
const apply = (...transforms: TransformSpec[]) => transformOf(transforms, builtin).apply(item, object);
const set = (value: string): NonNullable<TransformSpec['patches']> => [{ op: 'add', path: '/data/new', value }];

describe('transforms', () => {
  it('are done one after the other, on an object that stays as it was', () => {
    const before = structuredClone(object);
    const data = { ...(object['data'] as object), new: 'b' };
    expect(apply({ patches: set('a') }, { match: { matches: [{ path: '/data/new', value: 'a' }] }, patches: set('b') })).toEqual({
      ...object,
      data,
    });
    expect(object).toEqual(before);
  });

  it('merge, and keep every digit', () => {
    expect(apply({ mergePatch: { data: { 'a/b': null, new: { x: 1 } } } })).toEqual({
      ...object,
      data: { big: 9007199254740993n, new: { x: 1 } },
    });
  });

  it.each<[NonNullable<TransformSpec['match']>, boolean]>([
    [{}, true],
    [{ resources: ['cm'] }, true],
    [{ resources: ['secrets', 'config*'] }, true],
    [{ resources: ['secrets'] }, false],
    [{ namespaces: ['shop'] }, true],
    [{ namespaces: ['copy'] }, false],
    [{ names: ['set*'] }, true],
    [{ names: ['other'] }, false],
    [{ labelSelector: { matchLabels: { app: 'web' } } }, true],
    [{ labelSelector: { matchLabels: { app: 'db' } } }, false],
    [{ matches: [{ path: '/data/a~1b', value: 'x' }] }, true],
    [{ matches: [{ path: '/data/a~1b', value: 'y' }] }, false],
    [{ matches: [{ path: '/data/none', value: null }] }, true],
    [
      {
        matches: [
          { path: '/data/a~1b', value: 'x' },
          { path: '/metadata/namespace', value: 'copy' },
        ],
      },
      true,
    ],
  ])('%j matches: %s', (match, matches) => {
    expect(apply({ match, patches: set('v') })).toEqual(
      matches ? { ...object, data: { ...(object['data'] as object), new: 'v' } } : object,
    );
  });

  it.each<[TransformSpec, string]>([
    [
      { patches: [{ op: 'test', path: '/data/a~1b', value: 'y' }] },
      'spec.transforms[0].patches: operation 0: test /data/a~1b: Test operation failed',
    ],
    [
      { patches: [...set('v'), { op: 'remove', path: '/data/none' }] },
      'spec.transforms[0].patches: operation 1: remove /data/none: doc is missing path',
    ],
    [{ patches: [{ op: 'add', path: '/none/x', value: 1 }] }, 'spec.transforms[0].patches: operation 0: add /none/x: doc is missing path'],
    [
      { patches: [{ op: 'copy', from: '/kind', path: '/metadata/name' }] },
      'spec.transforms[0] would change /metadata/name, which no transform may',
    ],
    [{ mergePatch: { metadata: null } }, 'spec.transforms[0] would change /metadata/name, which no transform may'],
  ])('%j fails: %s', (transform, message) => expect(() => apply(transform)).toThrow(message));

  it('cannot make an object of any length, however many there are', () => {
    const large = { ...object, data: { a: 'x'.repeat(1 << 20) } };
    const copies = Array.from({ length: 100 }, (_, n): TransformSpec => ({
      patches: [{ op: 'copy', from: '/data/a', path: `/data/${n}` }],
    }));
    expect(() => transformOf(copies, builtin).apply(item, large)).toThrow(
      /^spec\.transforms\[1\] would make the object longer than 3145728/,
    );
  });

  it('tell which patterns name nothing', () => {
    expect(transformOf([{ match: { resources: ['nothing', 'pods'] }, patches: set('v') }], builtin).unknown).toEqual(['nothing']);
  });
});
