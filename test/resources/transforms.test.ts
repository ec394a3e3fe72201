import { describe, expect, it } from 'vitest';
import { restores } from '../../src/resources/restore.ts';
import type { Restore, RestoreSpec } from '../../src/resources/restore.ts';
import type { TransformSpec } from '../../src/resources/transforms.ts';

const user = { name: 'ann', groups: [], extra: {} };

function faultsOf(spec: object): string[] {
  const given = {
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind: 'Restore',
    metadata: { name: 'r', namespace: 'own' },
    spec: { backupName: 'b', ...spec },
  };
  const made = restores.rules.prepareForCreate?.(given, user) as Restore;
  return (restores.rules.validate?.(made, undefined) ?? []).map(
    ({ field, type, detail }) => `${field}: ${type}: ${detail.split(' must consist')[0]}`,
  );
}

const unchangeable = 'Forbidden: a transform may not change what an object is: apiVersion, kind, metadata.name, metadata.namespace';
const patch = (...patches: object[]) => ({ patches }) as TransformSpec;

describe('spec.transforms', () => {
  it.each<[TransformSpec, string[]]>([
    [patch({ op: 'add', path: '/metadata/labels/a~1b', value: null }), []],
    [patch({ op: 'test', path: '/metadata/name', value: 'x' }), []],
    [patch({ op: 'copy', from: '/metadata/name', path: '/data/name' }), []],
    [{ mergePatch: { metadata: { labels: { a: null } }, spec: {} } }, []],
    [{}, ['spec.transforms[0]: Required value: patches or mergePatch must be given']],
    [{ patches: [] }, ['spec.transforms[0]: Required value: patches or mergePatch must be given']],
    [
      { ...patch({ op: 'remove', path: '/a' }), mergePatch: {} },
      ['spec.transforms[0].mergePatch: Forbidden: may not be used together with patches'],
    ],
    [
      patch({ op: 'add', path: 'a', value: 1 }),
      [
        "spec.transforms[0].patches[0].path: Invalid value: must be a JSON pointer: parts that each begin with '/', in which '~' is written ~0 and '/' ~1",
      ],
    ],
    [patch({ op: 'add', path: '/a' }), ['spec.transforms[0].patches[0].value: Required value: must be given for add']],
    [patch({ op: 'move', path: '/a' }), ['spec.transforms[0].patches[0].from: Required value: must be given for move']],
    [
      patch({ op: 'remove', path: '/a', from: '/b' }),
      ['spec.transforms[0].patches[0].from: Forbidden: may be given for move and copy only'],
    ],
    ...['', '/kind', '/apiVersion', '/metadata', '/metadata/name', '/metadata/namespace'].map((path): [TransformSpec, string[]] => [
      patch({ op: 'replace', path, value: 'x' }),
      [`spec.transforms[0].patches[0].path: ${unchangeable}`],
    ]),
    [patch({ op: 'move', from: '/metadata', path: '/a' }), [`spec.transforms[0].patches[0].from: ${unchangeable}`]],
    [
      { mergePatch: { kind: 'X', metadata: { name: 'x' } } },
      [`spec.transforms[0].mergePatch.kind: ${unchangeable}`, `spec.transforms[0].mergePatch.metadata.name: ${unchangeable}`],
    ],
    [{ mergePatch: { metadata: null } }, [`spec.transforms[0].mergePatch.metadata: ${unchangeable}`]],
    [
      {
        ...patch({ op: 'remove', path: '/a' }),
        match: { resources: ['/'], namespaces: ['A'], names: [''], matches: [{ path: 'x', value: 1 }] },
      },
      [
        "spec.transforms[0].match.resources[0]: Invalid value: must name a resource, such as deployments or deployments.apps, or be a pattern with '*' and '?'",
        "spec.transforms[0].match.namespaces[0]: Invalid value: must be the name of a namespace, or a pattern of lower case letters, digits, '-', '*' and '?'",
        "spec.transforms[0].match.names[0]: Invalid value: must be a name or a pattern of 1 to 253 characters without '/' and '%'",
        "spec.transforms[0].match.matches[0].path: Invalid value: must be a JSON pointer: parts that each begin with '/', in which '~' is written ~0 and '/' ~1",
      ],
    ],
    [
      { ...patch({ op: 'remove', path: '/a' }), match: { labelSelector: { matchLabels: { 'a b': 'x' } } } },
      [expect.stringMatching(/^spec\.transforms\[0\]\.match\.labelSelector\.matchLabels: Invalid value: /) as string],
    ],
  ])('%j has the faults %j', (transform, expected) => expect(faultsOf({ transforms: [transform] })).toEqual(expected));
});

describe('spec.storageClassMapping', () => {
  it.each<[RestoreSpec['storageClassMapping'], string[]]>([
    [{ slow: 'fast.example.com' }, []],
    [{ Slow: 'x' }, ['spec.storageClassMapping: Invalid value: a lowercase RFC 1123 subdomain']],
    [{ slow: '' }, ['spec.storageClassMapping[slow]: Invalid value: a lowercase RFC 1123 subdomain']],
  ])('%j has the faults %j', (storageClassMapping, expected) => expect(faultsOf({ storageClassMapping })).toEqual(expected));
});
