import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/machinery/object.ts';
import { kylonUser } from '../../src/machinery/user.ts';
import { restores } from '../../src/resources/restore.ts';
import type { Restore, RestoreSpec } from '../../src/resources/restore.ts';

const { rules } = restores;
const user = { name: 'ann', groups: [], extra: {} };

const given = (spec: Partial<RestoreSpec> = {}): KubeObject => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Restore',
  metadata: { name: 'r', namespace: 'own' },
  spec: { backupName: 'b', ...spec },
});
const made = (spec: Partial<RestoreSpec> = {}) => rules.prepareForCreate?.(given(spec), user) as Restore;
const texts = (found: ReturnType<NonNullable<typeof rules.validate>> = []) =>
  found.map(({ field, type, detail }) => `${field}: ${type}: ${detail.split(' must consist')[0]}`);

describe('a new Restore', () => {
  it('gets its finalizer and its first status', () => {
    expect(made()).toMatchObject({
      metadata: { finalizers: ['backup.kylon.io/data'] },
      spec: { backupName: 'b' },
      status: { phase: 'New', observedGeneration: 0, createdBy: { username: 'ann' } },
    });
  });

  it.each<[Partial<RestoreSpec>, string[]]>([
    [{}, []],
    [
      {
        items: [{ group: 'apps', resource: 'deployments', namespace: 'a', name: 'x' }],
        namespaceMapping: { a: 'b' },
        backupNamespace: 'c',
      },
      [],
    ],
    [{ items: [{ resource: '', name: '' }] }, ['spec.items[0].resource: Required value: ', 'spec.items[0].name: Required value: ']],
    [{ namespaceMapping: { a: 'B' } }, ['spec.namespaceMapping[a]: Invalid value: a lowercase RFC 1123 label']],
    [{ namespaceMapping: { 'a.b': 'c' } }, ['spec.namespaceMapping: Invalid value: a lowercase RFC 1123 label']],
    [{ backupNamespace: 'A' }, ['spec.backupNamespace: Invalid value: a lowercase RFC 1123 label']],
    [{ excludedNamespaces: ['*'] }, ["spec.excludedNamespaces[0]: Invalid value: must not be '*': nothing would be left"]],
  ])('with %j', (spec, expected) => {
    expect(texts(rules.validate?.(made(spec), undefined))).toEqual(expected);
  });

  it.each<[Partial<RestoreSpec>, object[]]>([
    [{}, []],
    [{ backupNamespace: 'own' }, []],
    [
      { backupNamespace: 'other' },
      [
        {
          verb: 'create',
          group: 'backup.kylon.io',
          version: 'v1alpha1',
          resource: 'backups',
          subresource: 'restore',
          namespace: 'other',
          name: 'b',
        },
      ],
    ],
  ])('%j takes the rights %j', (spec, rights) => {
    expect(rules.rightsToCreate?.(made(spec))).toEqual(rights);
  });

  it('may bring its namespace back, if its backup lies there', () => {
    const key = { resource: 'backups.backup.kylon.io', namespace: 'own', name: 'b' };
    expect(rules.createsNamespace?.(made())).toEqual(key);
    expect(rules.createsNamespace?.(made({ backupNamespace: 'own' }))).toEqual(key);
    expect(rules.createsNamespace?.(made({ backupNamespace: 'other' }))).toBeUndefined();
  });
});

describe('a Restore of a Snapshot', () => {
  const ofSnapshot = (spec: Partial<RestoreSpec>) => rules.prepareForCreate?.({ ...given(), spec: { ...spec } }, user) as Restore;

  it.each<[Partial<RestoreSpec>, string[]]>([
    [{ snapshotName: 's' }, []],
    [
      {
        snapshotName: 's',
        existingResourcePolicy: 'Skip',
        dryRun: true,
        claim: { name: 'a', size: '1Gi', accessModes: ['ReadWriteMany'] },
      },
      [],
    ],
    [{}, ['spec.backupName: Required value: backupName or snapshotName must be given']],
    [{ snapshotName: 's', backupName: 'b' }, ['spec.backupName: Forbidden: may not be used together with snapshotName']],
    [{ snapshotName: 's', items: [] }, ['spec.items: Forbidden: may not be used together with snapshotName']],
    [{ snapshotName: 's', existingResourcePolicy: 'Update' }, []],
    [
      { snapshotName: 's', existingResourcePolicy: 'Recreate' },
      ['spec.existingResourcePolicy: Forbidden: may not be used together with snapshotName'],
    ],
    [{ backupName: 'b', claim: { name: 'a' } }, ['spec.claim: Forbidden: may be used with snapshotName only']],
    [
      { snapshotName: 's', claim: { name: 'A', storageClassName: '', size: '0' } },
      [
        'spec.claim.name: Invalid value: a lowercase RFC 1123 subdomain',
        'spec.claim.storageClassName: Invalid value: a lowercase RFC 1123 subdomain',
        'spec.claim.size: Invalid value: must be greater than 0',
      ],
    ],
    [
      {
        snapshotName: 's',
        files: { path: 'conf/app.yaml', targetDirectory: 'a/b/' },
        claim: { name: 'a', verify: true },
        existingResourcePolicy: 'Update',
      },
      [],
    ],
    [{ snapshotName: 's', files: { path: 'a..b/.c', targetDirectory: '.' } }, []],
    [{ backupName: 'b', files: { path: 'a' } }, ['spec.files: Forbidden: may be used with snapshotName only']],
    [
      { snapshotName: 's', files: { path: '/etc', targetDirectory: 'a/../..' } },
      [
        'spec.files.path: Invalid value: must not begin with a slash: it begins at the root of the volume, wherever Pods mount that',
        "spec.files.targetDirectory: Invalid value: must not contain '..'",
      ],
    ],
    ...['.', './a', 'a//b', 'a/.', 'a/b//'].map((path): [Partial<RestoreSpec>, string[]] => [
      { snapshotName: 's', files: { path } },
      ["spec.files.path: Invalid value: must have a name between slashes, which is not '.'"],
    ]),
    [{ snapshotName: 's', files: { path: 'a\0' } }, ['spec.files.path: Invalid value: must not contain NUL']],
    [
      { snapshotName: 's', files: { path: 'a\ufffd' } },
      [
        'spec.files.path: Invalid value: must not contain U+FFFD, which stands for bytes that are no UTF-8: name the folder in which such a file lies',
      ],
    ],
    [
      { snapshotName: 's', files: { path: 'a' }, claim: { size: '1Gi', storageClassName: 'fast', accessModes: [] } },
      ['storageClassName', 'size', 'accessModes'].map(
        (field) => `spec.claim.${field}: Forbidden: may not be used together with files: the claim stays as it is`,
      ),
    ],
    [{ snapshotName: 's', throttle: { download: '50Mi' } }, []],
    [{ snapshotName: 's', snapshotNamespace: 'shop' }, []],
    [{ snapshotName: 's', snapshotNamespace: 'Shop' }, ['spec.snapshotNamespace: Invalid value: a lowercase RFC 1123 label']],
    [{ backupName: 'b', snapshotNamespace: 'shop' }, ['spec.snapshotNamespace: Forbidden: may be used with snapshotName only']],
    [{ backupName: 'b', throttle: {} }, ['spec.throttle: Forbidden: may be used with snapshotName only']],
    [
      { snapshotName: 's', throttle: { upload: '0', download: 'fast' } },
      ['upload', 'download'].map(
        (field) => `spec.throttle.${field}: Invalid value: must be a quantity of bytes a second, such as 10Mi, from 1Ki to 1Ti`,
      ),
    ],
    [{ snapshotName: 's', claim: { size: '1 GB' } }, ['spec.claim.size: Invalid value: must be a quantity such as 10Gi']],
  ])('with %j', (spec, expected) => {
    expect(texts(rules.validate?.(ofSnapshot(spec), undefined))).toEqual(expected);
  });

  it('takes no further right, and brings no namespace back', () => {
    expect(rules.rightsToCreate?.(ofSnapshot({ snapshotName: 's' }))).toEqual([]);
    expect(rules.createsNamespace?.(ofSnapshot({ snapshotName: 's' }))).toBeUndefined();
    expect(rules.rightsToCreate?.(ofSnapshot({ snapshotName: 's', snapshotNamespace: given().metadata.namespace ?? '' }))).toEqual([]);
  });

  it('takes the right to restore it where it lies, if that is elsewhere', () => {
    expect(rules.rightsToCreate?.(ofSnapshot({ snapshotName: 's', snapshotNamespace: 'other' }))).toEqual([
      {
        verb: 'create',
        group: 'backup.kylon.io',
        version: 'v1alpha1',
        resource: 'snapshots',
        subresource: 'restore',
        namespace: 'other',
        name: 's',
      },
    ]);
  });
});

describe('a Restore that is changed', () => {
  it('keeps its spec', () => {
    const old = made();
    expect(rules.validate?.({ ...old, metadata: { ...old.metadata, labels: { a: 'b' } } }, old)).toEqual([]);
    expect(texts(rules.validate?.({ ...old, spec: { ...old.spec, dryRun: true } }, old))).toEqual([
      'spec: Forbidden: may not be changed: create another Restore',
    ]);
  });

  it('keeps who created it, and what is done with the rights of that user', () => {
    const old = made();
    const replacement = { claim: 'data', claimUid: 'u', previousVolumeName: 'pv', workloads: [] };
    const forged = { ...old, status: { phase: 'New', createdBy: { username: 'admin' }, replacement, files: 1 } };
    const kept = rules.prepareForUpdate?.(forged, old, user);
    expect(kept).toMatchObject({ status: { createdBy: { username: 'ann' } } });
    for (const field of ['replacement', 'files']) expect(kept?.status).not.toHaveProperty(field);
    expect(rules.prepareForUpdate?.(forged, old, kylonUser)).toMatchObject({ status: { createdBy: { username: 'ann' }, replacement } });
  });
});

describe('a Restore that has ended', () => {
  const ended = (phase: string, more = {}) =>
    ({ ...made(), status: { ...made().status, phase, run: { id: 'a', replica: 'r' }, ...more } }) as Restore;

  it.each<[string, object, string, string[]]>([
    ['Completed', {}, 'New', ['status.phase: Forbidden: it has ended (Completed) and does not change any more']],
    ['Failed', { run: { id: 'b', replica: 'r' } }, 'Failed', ['status.run: Forbidden: it has ended (Failed) and does not change any more']],
    ['Deleting', {}, 'InProgress', ['status.phase: Forbidden: it has ended (Deleting) and does not change any more']],
    ['Completed', { warnings: 1 }, 'Deleting', []],
    ['InProgress', {}, 'Completed', []],
  ])('%s: taking %o and %s', (phase, more, next, faults) => {
    expect(texts(rules.validate?.(ended(next, more), ended(phase)))).toEqual(faults);
  });
});
