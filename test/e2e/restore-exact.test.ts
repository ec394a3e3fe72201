/** What a restore makes of objects on a real cluster: policies, mappings, transforms, choices, dry runs, and the words of admission. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { configMap, namespace } from './objects.ts';
import { eventually } from './process.ts';
import { backUp, bringBack } from './restoring.ts';

const cluster = findCluster();
const beside = suite('a restore on a real cluster', cluster);
const refusal = 'kylon-exact.example.test';
const outside = 'kylon-exact-outside';

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [home, place, copy] = ['kylon-exact-home', 'kylon-exact', 'kylon-exact-copy'] as const;
  const all = [home, place, copy];
  const selector = { matchLabels: { app: 'web' } };
  const template = { metadata: { labels: selector.matchLabels }, spec: { containers: [{ name: 'main', image: 'example.test/none:1' }] } };
  const claim = { accessModes: ['ReadWriteOnce'], storageClassName: 'slow', resources: { requests: { storage: '1Gi' } } };
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], [namespace(home), namespace(place)]);
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    await kubectl.run(['create', '-f', '-'], objects());
    await eventually(async () => ((await get('secret', 'token'))['data'] as { token?: string } | undefined)?.token);
    await eventually(async () => (await get('deployment', 'web')).metadata.annotations?.['deployment.kubernetes.io/revision']);
    await backUp(kubectl, home, 'all', { includedNamespaces: [place] });
  });
  afterAll(async () => {
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', refusal, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', ...all, '--ignore-not-found']);
    await kubectl.try(['delete', 'validatingwebhookconfiguration,clusterrolebinding,pv', outside, '--ignore-not-found']);
  }

  const get = (resource: string, name: string, where: string = place) => kubectl.get(resource, name, '-n', where);

  const object = (apiVersion: string, kind: string, name: string, fields: object, metadata: object = {}): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name, namespace: place, ...metadata },
    ...fields,
  });

  function objects(): KubeObject[] {
    return [
      configMap(place, 'settings', { color: 'red' }),
      object('v1', 'ConfigMap', 'fixed', { data: { a: '1' }, immutable: true }),
      object('v1', 'ConfigMap', 'generated-x7f2k', { data: {} }, { generateName: 'generated-' }),
      object('v1', 'ServiceAccount', 'worker', {}),
      object(
        'v1',
        'Secret',
        'token',
        { type: 'kubernetes.io/service-account-token' },
        { annotations: { 'kubernetes.io/service-account.name': 'worker' } },
      ),
      object('v1', 'Service', 'inside', { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } }),
      object('v1', 'Service', 'outside', { spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80 }] } }),
      object('apps/v1', 'Deployment', 'web', { spec: { replicas: 0, selector, template } }),
      object('apps/v1', 'StatefulSet', 'db', {
        spec: {
          replicas: 0,
          serviceName: 'inside',
          selector,
          template,
          volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }],
        },
      }),
      object('v1', 'PersistentVolumeClaim', 'data', { spec: claim }),
      object('v1', 'Pod', 'lonely', { spec: { ...template.spec, serviceAccountName: 'worker', nodeSelector: { none: 'here' } } }),
      object('networking.k8s.io/v1', 'NetworkPolicy', 'only-own', {
        spec: { podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': place } } }] }] },
      }),
      object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'robots', {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
        subjects: [
          { kind: 'ServiceAccount', name: 'worker', namespace: place },
          { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: `system:serviceaccount:${place}:worker` },
          { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: `system:serviceaccounts:${place}` },
        ],
      }),
    ];
  }

  it('finds everything unchanged where nothing has changed, whatever the policy', async () => {
    for (const existingResourcePolicy of ['Skip', 'Update', 'Recreate']) {
      const { results } = await bringBack(kubectl, home, 'all', `same-${existingResourcePolicy.toLowerCase()}`, { existingResourcePolicy });
      const made = results.filter(
        ({ outcome, message }) => outcome !== 'unchanged' && !(outcome === 'skipped' && /makes it again/.test(message ?? '')),
      );
      expect(made, existingResourcePolicy).toEqual([]);
    }
  });

  it('updates to what was saved, keeps what controllers have set, drops what users have added', async () => {
    await kubectl.run(['patch', 'configmap', 'settings', '-n', place, '--type=merge', '-p', '{"data":{"color":"blue","size":"big"}}']);
    await kubectl.run(['label', 'configmap', 'settings', '-n', place, 'added=yes']);
    await kubectl.run(['annotate', 'deployment', 'web', '-n', place, 'added=yes']);
    await kubectl.run(['set', 'image', 'deployment/web', '-n', place, 'main=example.test/none:2']);
    await eventually(async () => (await get('deployment', 'web')).metadata.annotations?.['deployment.kubernetes.io/revision'] === '2');
    const dry = await bringBack(kubectl, home, 'all', 'dry-update', { existingResourcePolicy: 'Update', dryRun: true });
    expect([dry.of('configmaps', 'settings'), dry.of('deployments', 'web'), dry.of('services', 'inside')]).toEqual([
      { outcome: 'updated' },
      { outcome: 'updated' },
      { outcome: 'unchanged' },
    ]);
    expect((await get('configmap', 'settings'))['data']).toEqual({ color: 'blue', size: 'big' });
    const skipped = await bringBack(kubectl, home, 'all', 'skip', {});
    expect(skipped.of('configmaps', 'settings')).toEqual({ outcome: 'skipped', message: 'it exists already, and differs' });
    const { of } = await bringBack(kubectl, home, 'all', 'update', { existingResourcePolicy: 'Update' });
    expect([of('configmaps', 'settings'), of('deployments', 'web')]).toEqual([{ outcome: 'updated' }, { outcome: 'updated' }]);
    const settings = await get('configmap', 'settings');
    expect(settings).toMatchObject({ data: { color: 'red' } });
    expect(settings['data']).not.toHaveProperty('size');
    expect(settings.metadata.labels).toBeUndefined();
    const web = await get('deployment', 'web');
    expect(web.metadata.annotations).not.toHaveProperty('added');
    expect(web.metadata.annotations).toHaveProperty(['deployment.kubernetes.io/revision']);
    expect(JSON.stringify(web.spec)).toContain('example.test/none:1');
  });

  it('keeps what only the live object has from a controller', async () => {
    const patch = JSON.stringify({ metadata: { annotations: { 'example.test/by': 'controller' } } });
    await kubectl.run(['patch', 'service', 'inside', '-n', place, '--type=merge', '--field-manager=dns-controller', '-p', patch]);
    await kubectl.run(['annotate', 'service', 'inside', '-n', place, 'added=yes']);
    const { of } = await bringBack(kubectl, home, 'all', 'controllers', { existingResourcePolicy: 'Update' });
    expect(of('services', 'inside')).toEqual({ outcome: 'updated' });
    expect((await get('service', 'inside')).metadata.annotations).toEqual({ 'example.test/by': 'controller' });
  });

  it('says why what cannot be changed is not updated, and makes it anew where it is told to', async () => {
    await kubectl.run(['delete', 'configmap', 'fixed', '-n', place]);
    await kubectl.run(['create', '-f', '-'], object('v1', 'ConfigMap', 'fixed', { data: { a: '2' }, immutable: true }));
    const items = [{ resource: 'configmaps', namespace: place, name: 'fixed' }];
    const update = await bringBack(kubectl, home, 'all', 'fixed', { items, existingResourcePolicy: 'Update' });
    expect(update.object.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, counts: { failed: 1 } });
    expect(update.of('configmaps', 'fixed')).toEqual({
      outcome: 'failed',
      message:
        'ConfigMap "fixed" is invalid: data: Forbidden: field is immutable when `immutable` is set (existingResourcePolicy Recreate would make it anew)',
    });
    const anew = await bringBack(kubectl, home, 'all', 'fixed-anew', { items, existingResourcePolicy: 'Recreate' });
    expect(anew.of('configmaps', 'fixed')).toEqual({ outcome: 'recreated' });
    expect((await get('configmap', 'fixed'))['data']).toEqual({ a: '1' });
  });

  it('maps namespaces and StorageClasses, and does what transforms say', async () => {
    const transforms = [
      {
        match: { resources: ['deployments'], names: ['w*'], matches: [{ path: '/spec/replicas', value: 0 }] },
        patches: [{ op: 'replace', path: '/spec/paused', value: true }],
      },
      {
        match: { resources: ['configmaps'] },
        patches: [
          { op: 'test', path: '/data/color', value: 'red' },
          { op: 'add', path: '/data/moved', value: 'yes' },
        ],
      },
      { match: { resources: ['services'] }, mergePatch: { metadata: { labels: { moved: 'yes' } } } },
    ];
    const spec = { namespaceMapping: { [place]: copy }, storageClassMapping: { slow: 'fast' }, transforms };
    const { object, of } = await bringBack(kubectl, home, 'all', 'mapped', spec);
    expect(object.status).toMatchObject({ phase: 'PartiallyFailed', counts: { failed: 2 } });
    expect(of('configmaps', 'fixed')).toEqual({
      outcome: 'failed',
      message: 'spec.transforms[1].patches: operation 0: test /data/color: doc is missing path',
    });
    expect((await get('configmap', 'settings', copy))['data']).toEqual({ color: 'red', moved: 'yes' });
    expect((await get('deployment', 'web', copy)).spec).toMatchObject({ paused: true });
    expect((await get('service', 'inside', copy)).metadata.labels).toEqual({ moved: 'yes' });
    expect((await get('pvc', 'data', copy)).spec).toMatchObject({ storageClassName: 'fast' });
    expect((await get('statefulset', 'db', copy)).spec).toMatchObject({ volumeClaimTemplates: [{ spec: { storageClassName: 'fast' } }] });
    expect(JSON.stringify((await get('networkpolicy', 'only-own', copy)).spec)).toContain(`"kubernetes.io/metadata.name":"${copy}"`);
    const { subjects } = await get('rolebinding', 'robots', copy);
    expect(subjects).toMatchObject([
      { namespace: copy },
      { name: `system:serviceaccount:${copy}:worker` },
      { name: `system:serviceaccounts:${copy}` },
    ]);
  });

  it('maps what lies in no namespace and names one', async () => {
    const service = { clientConfig: { service: { namespace: place, name: 'inside' } } };
    const webhook = {
      ...service,
      name: 'hook.example.test',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Ignore',
      rules: [{ apiGroups: ['none.example.test'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': place } },
    };
    const clusterWide = (apiVersion: string, kind: string, fields: object): KubeObject => ({
      apiVersion,
      kind,
      metadata: { name: outside },
      ...fields,
    });
    const made = [
      clusterWide('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { webhooks: [webhook] }),
      clusterWide('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'ServiceAccount', name: 'worker', namespace: place }],
      }),
      clusterWide('v1', 'PersistentVolume', {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'slow',
          hostPath: { path: '/none' },
          claimRef: { namespace: place, name: 'reserved' },
          persistentVolumeReclaimPolicy: 'Retain',
        },
      }),
    ];
    const kinds = ['validatingwebhookconfiguration', 'clusterrolebinding', 'pv'];
    const reserved = object('v1', 'PersistentVolumeClaim', 'reserved', { spec: { ...claim, volumeName: outside } });
    await kubectl.run(['create', '-f', '-'], [...made, reserved]);
    await eventually(async () => (await get('pvc', 'reserved')).status?.['phase'] === 'Bound');
    const resources = ['validatingwebhookconfigurations', 'clusterrolebindings', 'persistentvolumeclaims'];
    await backUp(kubectl, home, 'outside', {
      includedNamespaces: [place],
      includeClusterResources: true,
      includedResources: resources,
      filters: [{ resources, includedNames: [outside, 'reserved'] }],
    });
    await kubectl.run(['delete', 'pvc', 'reserved', '-n', place]);
    for (const kind of kinds) await kubectl.run(['delete', kind, outside]);
    const mappings = { namespaceMapping: { [place]: copy }, storageClassMapping: { slow: 'fast' } };
    const { results } = await bringBack(kubectl, home, 'outside', 'outside', mappings);
    expect(results.filter(({ resource }) => resource !== 'namespaces')).toMatchObject([
      { resource: 'persistentvolumes', outcome: 'created', message: '' },
      { resource: 'persistentvolumeclaims', outcome: 'created', message: '' },
      { resource: 'clusterrolebindings', outcome: 'created', message: '' },
      { resource: 'validatingwebhookconfigurations', outcome: 'created', message: '' },
    ]);
    await eventually(async () => (await get('pvc', 'reserved', copy)).status?.['phase'] === 'Bound');
    const [hook, binding, volume] = await Promise.all(kinds.map((kind) => kubectl.get(kind, outside)));
    expect(hook?.['webhooks']).toMatchObject([
      { clientConfig: { service: { namespace: copy } }, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': copy } } },
    ]);
    expect(binding?.['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'worker', namespace: copy }]);
    expect(volume?.spec).toMatchObject({ storageClassName: 'fast', claimRef: { namespace: copy, name: 'reserved' } });
  });

  it('keeps addresses where they are free, names that were generated, and asks for new tokens', async () => {
    const [service, token] = [await get('service', 'inside'), await get('secret', 'token')];
    await kubectl.run([
      'delete',
      'service/inside',
      'serviceaccount/worker',
      'secret/token',
      'configmap/generated-x7f2k',
      '-n',
      place,
      '--ignore-not-found',
    ]);
    const { object, of } = await bringBack(kubectl, home, 'all', 'kept', {});
    expect(object.status?.['phase']).toBe('Completed');
    expect(of('services', 'inside')).toEqual({ outcome: 'created' });
    expect((await get('service', 'inside')).spec).toMatchObject({ clusterIP: service.spec?.['clusterIP'] });
    expect((await get('configmap', 'generated-x7f2k')).metadata['generateName']).toBe('generated-');
    const tokenOf = ({ data }: KubeObject) => (data as { token?: string } | undefined)?.token;
    const renewed = await eventually(async () => tokenOf(await get('secret', 'token')));
    expect(renewed).not.toBe(tokenOf(token));
    const { uid } = (await get('serviceaccount', 'worker')).metadata;
    expect((await get('secret', 'token')).metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(uid);
  });

  it('preserves node ports where it is told to', async () => {
    const portOf = async () => ((await get('service', 'outside')).spec?.['ports'] as { nodePort: number }[] | undefined)?.[0]?.nodePort;
    const before = await portOf();
    await kubectl.run(['delete', 'service', 'outside', '-n', place]);
    const items = [{ resource: 'services', namespace: place, name: 'outside' }];
    await bringBack(kubectl, home, 'all', 'ports', { items, preserveNodePorts: true });
    expect(await portOf()).toBe(before);
    await kubectl.run(['delete', 'service', 'outside', '-n', place]);
    await kubectl.run(
      ['create', '-f', '-'],
      object('v1', 'Service', 'thief', { spec: { type: 'NodePort', ports: [{ port: 80, nodePort: before }] } }),
    );
    const taken = await bringBack(kubectl, home, 'all', 'ports-taken', { items, preserveNodePorts: true });
    expect(taken.of('services', 'outside')).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('provided port is already allocated'),
    });
    const other = await bringBack(kubectl, home, 'all', 'ports-other', { items });
    expect(other.of('services', 'outside')).toEqual({ outcome: 'created' });
    expect(await portOf()).not.toBe(before);
  });

  it('restores a status where it is told to', async () => {
    const patch = JSON.stringify({
      status: { conditions: [{ type: 'Odd', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'A', message: 'a' }] },
    });
    await kubectl.run(['patch', 'pvc', 'data', '-n', place, '--subresource=status', '--type=merge', '-p', patch]);
    await backUp(kubectl, home, 'claims', { includedNamespaces: [place], includedResources: ['persistentvolumeclaims'] });
    const conditionsOf = async () =>
      ((await get('pvc', 'data')).status?.['conditions'] as { type: string }[] | undefined)?.map(({ type }) => type);
    await kubectl.run(['delete', 'pvc', 'data', '-n', place]);
    await bringBack(kubectl, home, 'claims', 'no-status', {});
    expect(await conditionsOf()).toBeUndefined();
    await kubectl.run(['delete', 'pvc', 'data', '-n', place]);
    await bringBack(kubectl, home, 'claims', 'status', { restoreStatus: true });
    expect(await conditionsOf()).toEqual(['Odd']);
  });

  it('says in a dry run what cannot be tried yet', async () => {
    await kubectl.run(['delete', 'pod', 'lonely', '-n', place, '--force', '--grace-period=0']);
    await kubectl.run(['delete', 'serviceaccount', 'worker', '-n', place]);
    const { object, of } = await bringBack(kubectl, home, 'all', 'dry', { dryRun: true });
    expect(object.status?.['phase']).toBe('Completed');
    expect(of('serviceaccounts', 'worker')).toEqual({ outcome: 'created' });
    expect(of('pods', 'lonely')).toMatchObject({
      outcome: 'created',
      message: expect.stringMatching(
        /^not tried: serviceaccount "worker" is not there yet, this restore would make it \(pods "lonely" is forbidden: /,
      ),
    });
    expect((await kubectl.try(['get', 'serviceaccount', 'worker', '-n', place])).code).not.toBe(0);
    const real = await bringBack(kubectl, home, 'all', 'not-dry', {});
    expect([real.of('serviceaccounts', 'worker'), real.of('pods', 'lonely')]).toEqual([{ outcome: 'created' }, { outcome: 'created' }]);
  });

  it('tells of a rejection by admission in its words', async () => {
    const group = 'admissionregistration.k8s.io/v1';
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
    await kubectl.run(
      ['create', '-f', '-'],
      [
        {
          apiVersion: group,
          kind: 'ValidatingAdmissionPolicy',
          metadata: { name: refusal },
          spec: {
            failurePolicy: 'Fail',
            matchConstraints: { resourceRules: rules },
            validations: [{ expression: "object.metadata.name != 'settings'", message: 'we do not want settings here' }],
          },
        },
        {
          apiVersion: group,
          kind: 'ValidatingAdmissionPolicyBinding',
          metadata: { name: refusal },
          spec: { policyName: refusal, validationActions: ['Deny'] },
        },
      ],
    );
    await kubectl.run(['delete', 'configmap', 'settings', '-n', place]);
    await eventually(async () =>
      /do not want/.test((await kubectl.try(['create', '--dry-run=server', '-f', '-'], configMap(place, 'settings'))).stderr),
    );
    for (const dryRun of [true, false]) {
      const { object, of } = await bringBack(kubectl, home, 'all', `refused-${dryRun}`, { dryRun });
      expect(object.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, counts: { failed: 1 } });
      expect(of('configmaps', 'settings')).toEqual({
        outcome: 'failed',
        message: `configmaps "settings" is forbidden: ValidatingAdmissionPolicy '${refusal}' with binding '${refusal}' denied request: we do not want settings here`,
      });
    }
  });

  it.each([
    [{ transforms: [{}] }, 'spec.transforms[0]: Required value: patches or mergePatch must be given'],
    [
      { transforms: [{ patches: [{ op: 'replace', path: '/metadata/name', value: 'x' }] }] },
      'spec.transforms[0].patches[0].path: Forbidden: a transform may not change',
    ],
    [{ transforms: [{ patches: [{ op: 'swap', path: '/a' }] }] }, 'spec.transforms[0].patches[0].op: Unsupported value: "swap"'],
    [
      { transforms: Array.from({ length: 101 }, () => ({ mergePatch: {} })) },
      'spec.transforms: Too many: 101: must have at most 100 items',
    ],
    [{ storageClassMapping: { slow: 'Fast' } }, 'spec.storageClassMapping[slow]: Invalid value: "Fast"'],
  ])('refuses what is wrong at once (%#)', async (spec, fault) => {
    const bad = {
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Restore',
      metadata: { name: 'bad', namespace: home },
      spec: { backupName: 'all', ...spec },
    };
    expect(await kubectl.fails(['create', '-f', '-'], bad)).toContain(fault);
  });
});
