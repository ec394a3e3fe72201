import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/machinery/object.ts';
import { schemaFaults } from '../../src/machinery/input/schema-faults.ts';
import { backups } from '../../src/resources/backup.ts';
import type { Backup, BackupSpec } from '../../src/resources/backup.ts';

const user = { name: 'ann', uid: 'u1', groups: ['devs'], extra: { scopes: ['a', 'b'] } };
const { rules } = backups;

const given = (spec?: Partial<BackupSpec>, metadata: object = {}): KubeObject => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Backup',
  metadata: { name: 'b', namespace: 'own', ...metadata },
  ...(spec && { spec }),
});
const made = (spec?: Partial<BackupSpec>, metadata: object = {}) => rules.prepareForCreate?.(given(spec, metadata), user) as Backup;
const faults = (spec: Partial<BackupSpec>) =>
  (rules.validate?.(made(spec), undefined) ?? []).map(({ field, type, detail }) => `${field}: ${type}: ${detail}`);
const at = (backup: Backup, phase: Backup['status']['phase']): Backup => ({ ...backup, status: { ...backup.status, phase } });

const notTwo = 'must be two quantities with a comma between, such as 10Gi,100Gi, of which one may be left out';

describe('the namespace of a Backup', () => {
  it.each([
    [undefined, true],
    [{ 'backup.kylon.io/outlives-namespace': 'true' }, true],
    [{ 'backup.kylon.io/outlives-namespace': 'false' }, false],
  ])('is outlived with the annotations %j: %s', (annotations, outlives) => {
    expect(rules.outlivesNamespace?.(given(undefined, { annotations }))).toBe(outlives);
  });
});

describe('a new Backup', () => {
  it('gets its finalizer, its first status and its defaults', () => {
    expect(made()).toEqual({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Backup',
      metadata: { name: 'b', namespace: 'own', finalizers: ['backup.kylon.io/data'] },
      spec: { includedNamespaces: ['own'], ttl: '720h' },
      status: {
        phase: 'New',
        observedGeneration: 0,
        storeName: 'default',
        createdBy: { username: 'ann', uid: 'u1', groups: ['devs'], extra: { scopes: ['a', 'b'] } },
      },
    });
  });

  it('keeps what it was given', () => {
    const backup = made({ includedNamespaces: ['a'], ttl: '1h' }, { finalizers: ['x.io/y', 'backup.kylon.io/data'] });
    expect(backup).toMatchObject({
      spec: { includedNamespaces: ['a'], ttl: '1h' },
      metadata: { finalizers: ['x.io/y', 'backup.kylon.io/data'] },
    });
  });

  it('takes its own namespace for an empty list', () => {
    expect(made({ includedNamespaces: [] }).spec.includedNamespaces).toEqual(['own']);
  });

  it.each<[Partial<BackupSpec>, string[]]>([
    [{}, []],
    [
      {
        includedNamespaces: ['team-*', 'a?b', 'x'],
        excludedNamespaces: ['team-x'],
        includedResources: ['deployments', 'Deployment', 'deployments.apps', '*.example.com', 'po'],
        excludedResources: ['secrets', 'events.events.k8s.io'],
        includeClusterResources: false,
        orLabelSelectors: [{ matchLabels: { app: 'web' } }, { matchExpressions: [{ key: 'tier', operator: 'In', values: ['x'] }] }],
        filters: [{ resources: ['cm'], namespaces: ['a*'], includedNames: ['system:*', 'A_b'], excludedNames: ['x'] }],
        ttl: '1h30m',
        timeout: '10m',
      },
      [],
    ],
    [
      { filters: [{ resources: [] }] },
      ['spec.filters[0].resources: Required value: ', 'spec.filters[0]: Required value: includedNames or excludedNames must be given'],
    ],
    [
      { filters: [{ resources: ['a b'], namespaces: ['A'], includedNames: ['a/b'], excludedNames: ['x', 'x'] }] },
      [
        "spec.filters[0].resources[0]: Invalid value: must name a resource, such as deployments or deployments.apps, or be a pattern with '*' and '?'",
        "spec.filters[0].namespaces[0]: Invalid value: must be the name of a namespace, or a pattern of lower case letters, digits, '-', '*' and '?'",
        "spec.filters[0].includedNames[0]: Invalid value: must be a name or a pattern of 1 to 253 characters without '/' and '%'",
        'spec.filters[0].excludedNames[1]: Duplicate value: ',
      ],
    ],
    [{ includedNamespaces: ['*'], includedResources: ['*'] }, []],
    [{ throttle: { upload: '10Mi', download: '1Ki' } }, []],
    [
      { throttle: { upload: '1023' } },
      ['spec.throttle.upload: Invalid value: must be a quantity of bytes a second, such as 10Mi, from 1Ki to 1Ti'],
    ],
    [{ volumes: { rules: [{ action: 'Skip' }, { conditions: { capacity: '1Gi,10Gi', labels: { 'a.io/b': 'c' } }, action: 'CSI' }] } }, []],
    [
      { volumes: { rules: [{ action: 'Skip' }, { conditions: { capacity: '10Gi' }, action: 'CSI' }] } },
      [`spec.volumes.rules[1].conditions.capacity: Invalid value: ${notTwo}`],
    ],
    [
      { volumes: { rules: [{ conditions: { capacity: '1Gi,10GiB' }, action: 'CSI' }] } },
      [`spec.volumes.rules[0].conditions.capacity: Invalid value: ${notTwo}`],
    ],
    [
      { volumes: { rules: [{ conditions: { capacity: '2Gi,1Gi', labels: { a: '-' } }, action: 'CSI' }] } },
      [
        'spec.volumes.rules[0].conditions.capacity: Invalid value: the first quantity must not be greater than the second',
        expect.stringMatching(/^spec\.volumes\.rules\[0\]\.conditions\.labels\[a\]: Invalid value: a valid label/) as string,
      ],
    ],
    [{ volumeGroupSnapshotLabelKey: 'velero.io/volume-group' }, []],
    [
      { volumeGroupSnapshotLabelKey: 'a b' },
      [expect.stringMatching(/^spec\.volumeGroupSnapshotLabelKey: Invalid value: name part must consist of/) as string],
    ],
    [{ ttl: '0s' }, ['spec.ttl: Invalid value: must be greater than 0']],
    [{ ttl: '9999999h' }, ['spec.ttl: Invalid value: must not be longer than 876000h']],
    [{ timeout: '0h' }, ['spec.timeout: Invalid value: must be greater than 0']],
    [
      { includedNamespaces: ['A b'] },
      [
        "spec.includedNamespaces[0]: Invalid value: must be the name of a namespace, or a pattern of lower case letters, digits, '-', '*' and '?'",
      ],
    ],
    [{ includedNamespaces: ['a', 'a'] }, ['spec.includedNamespaces[1]: Duplicate value: ']],
    [
      { includedNamespaces: ['*', 'a'] },
      ["spec.includedNamespaces[0]: Invalid value: must be the only entry, because '*' includes all others"],
    ],
    [{ excludedNamespaces: ['*'] }, ["spec.excludedNamespaces[0]: Invalid value: must not be '*': nothing would be left"]],
    [
      { includedNamespaces: ['a', 'b'], excludedNamespaces: ['b'] },
      ['spec.excludedNamespaces[0]: Invalid value: must not be in spec.includedNamespaces as well'],
    ],
    [
      { includedResources: ['a b'] },
      [
        "spec.includedResources[0]: Invalid value: must name a resource, such as deployments or deployments.apps, or be a pattern with '*' and '?'",
      ],
    ],
    [{ excludedResources: ['*'] }, ["spec.excludedResources[0]: Invalid value: must not be '*': nothing would be left"]],
    [
      { labelSelector: { matchLabels: { a: 'b' } }, orLabelSelectors: [{ matchLabels: { a: 'b' } }] },
      ['spec.orLabelSelectors: Forbidden: may not be used together with labelSelector'],
    ],
    [
      { labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      ["spec.labelSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
    ],
    [
      { orLabelSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] }] },
      [
        "spec.orLabelSelectors[0].matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      ],
    ],
  ])('with %j', (spec, expected) => {
    expect(faults(spec)).toEqual(expected);
  });

  it('names bad keys and values of labels', () => {
    const messages = faults({ labelSelector: { matchLabels: { '/': 'b', a: '-' } } });
    expect(messages.map((message) => message.split(': ')[0])).toEqual([
      'spec.labelSelector.matchLabels',
      'spec.labelSelector.matchLabels',
      'spec.labelSelector.matchLabels',
      'spec.labelSelector.matchLabels[a]',
    ]);
  });

  const right = { verb: 'create', group: 'backup.kylon.io', version: 'v1alpha1', resource: 'backups' };
  it.each<[Partial<BackupSpec>, object[]]>([
    [{}, []],
    [
      { includedNamespaces: ['own', 'b', 'c'] },
      [
        { ...right, namespace: 'b' },
        { ...right, namespace: 'c' },
      ],
    ],
    [{ includedNamespaces: ['*'] }, [right]],
    [{ includedNamespaces: ['team-*', 'b'] }, [{ ...right, namespace: 'b' }]],
    [{ includeClusterResources: true }, [right]],
    [{ includeClusterResources: false }, []],
  ])('%j takes the rights %j', (spec, rights) => {
    expect(rules.rightsToCreate?.(made(spec))).toEqual(rights);
  });
});

describe('a Backup of the wrong types', () => {
  it.each<unknown>(['x', ['x'], 5, { includedNamespaces: 'x' }, { includedNamespaces: 5 }, { ttl: 5 }, { labelSelector: [] }])(
    'is left as it is for the schema to refuse: spec %j',
    (spec) => {
      const old = made();
      const next = rules.prepareForUpdate?.({ ...old, spec }, old, user) as KubeObject;
      expect(schemaFaults(backups, next, ['spec'])).not.toEqual([]);
      expect(rules.validate?.(next, old)).toEqual([]);
    },
  );
});

describe('the rules for volumes', () => {
  it.each([
    [{ action: 'Keep' }, 'spec.volumes.rules[0].action: Unsupported value: supported values: "CSI", "Move", "Copy", "Skip"'],
    [{}, 'spec.volumes.rules[0].action: Required value: '],
    [
      { action: 'CSI', conditions: { accessModes: ['RWX'] } },
      'spec.volumes.rules[0].conditions.accessModes[0]: Unsupported value: supported values: "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"',
    ],
    [
      { action: 'CSI', conditions: { volumeMode: 'block' } },
      'spec.volumes.rules[0].conditions.volumeMode: Unsupported value: supported values: "Filesystem", "Block"',
    ],
  ])('refuse %j', (rule, fault) => {
    const backup = { ...given(), spec: { volumes: { rules: [rule] } } };
    expect(schemaFaults(backups, backup, ['spec']).map(({ field, type, detail }) => `${field}: ${type}: ${detail}`)).toEqual([fault]);
  });
});

describe('a Backup that is changed', () => {
  const changed = (phase: Backup['status']['phase'], change: Partial<BackupSpec>) => {
    const old = at(made({ includedNamespaces: ['a'] }), phase);
    const next = rules.prepareForUpdate?.({ ...old, spec: { ...old.spec, ...change } }, old, user) as Backup;
    return (rules.validate?.(next, old) ?? []).map(({ field, type, detail }) => `${field}: ${type}: ${detail}`);
  };

  it('may get another ttl at any time', () => {
    for (const phase of ['New', 'InProgress', 'Completed'] as const) expect(changed(phase, { ttl: '1h' })).toEqual([]);
    expect(changed('Completed', { ttl: '0s' })).toEqual(['spec.ttl: Invalid value: must be greater than 0']);
  });

  it.each<Partial<BackupSpec>>([
    { includedNamespaces: ['*'] },
    { includeClusterResources: true },
    { excludedNamespaces: [] },
    { excludedResources: ['secrets'] },
    { labelSelector: {} },
  ])('may change otherwise neither before it has begun nor later: %j', (change) => {
    const refusal = 'spec: Forbidden: only ttl may be changed: the backup is made as its creator asked for it';
    for (const phase of ['New', 'InProgress', 'Completed', 'Failed'] as const) expect(changed(phase, change)).toEqual([refusal]);
  });

  it('gets its defaults again when it is replaced without them', () => {
    const old = at(made(), 'Completed');
    const next = rules.prepareForUpdate?.({ ...given(), status: old.status }, old, user) as Backup;
    expect(next.spec).toEqual(old.spec);
    expect(rules.validate?.(next, old)).toEqual([]);
  });

  it('keeps who created it, whatever a client says', () => {
    const old = made();
    const forged = { ...old, status: { ...old.status, createdBy: { username: 'admin' } } };
    const { createdBy: _, ...without } = old.status;
    for (const sent of [forged, { ...old, status: without }, old])
      expect(rules.prepareForUpdate?.(sent, old, user)).toMatchObject({ status: { createdBy: old.status.createdBy } });
  });
});

describe('the columns of a Backup', () => {
  const cells = (status: Partial<Backup['status']>) => {
    const backup = { ...made(), status: { ...made().status, ...status } };
    return Object.fromEntries(backups.columns.flatMap(({ name, value }) => (typeof value === 'function' ? [[name, value(backup)]] : [])));
  };

  it('show progress while it runs, and the result then', () => {
    expect(cells({ progress: { totalItems: 9, itemsBackedUp: 4 } })).toEqual({ Items: 4, Size: undefined });
    expect(cells({ items: 9, progress: { itemsBackedUp: 8 }, sizeBytes: 1_300_000 })).toEqual({ Items: 9, Size: '1.2MiB' });
  });

  it.each([
    [0, '0B'],
    [17, '17B'],
    [1024, '1.0KiB'],
    [35 * 1024, '35KiB'],
    [5 * 1024 ** 4, '5.0TiB'],
  ])('show %d bytes as %s', (sizeBytes, text) => {
    expect(cells({ sizeBytes })).toMatchObject({ Size: text });
  });
});
