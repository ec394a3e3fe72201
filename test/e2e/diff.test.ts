/** What has changed since a backup, beside a real cluster: with real controllers, defaults and managedFields, and as users of few rights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { Kylon } from './kylon.ts';
import { configMap, path } from './objects.ts';
import { eventually } from './process.ts';
import { backUp } from './restoring.ts';
import { setUp, tearDown } from './users.ts';

const cluster = findCluster();
const beside = suite('a diff beside a real cluster', cluster);

interface Difference {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly change: string;
  readonly patch?: readonly { readonly op: string; readonly path: string; readonly value?: unknown }[];
}

interface DifferenceList {
  readonly kind: string;
  readonly metadata: { readonly continue?: string };
  readonly items: readonly Difference[];
  readonly warnings?: readonly string[];
}

const labels = { app: 'web' };
const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'kylon-e2e-diff' },
  spec: {
    replicas: 1,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  },
});
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'kylon-e2e-diff' },
  spec: { selector: labels, ports: [{ port: 80 }] },
};
const secret = (value: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'password', namespace: 'kylon-e2e-diff' },
  stringData: { value },
});

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const shop = 'kylon-e2e-diff';
  const other = 'kylon-e2e-diff-2';
  let kylon: Kylon;

  const diff = async (name: string, query = '', as = kubectl) =>
    JSON.parse(await as.run(['get', '--raw', `${path(shop, `backups/${name}/diff`)}${query}`])) as DifferenceList;
  const textOf = ({ change, resource, name }: Difference) => `${change} ${resource} ${name}`;
  const told = async (name: string, query = '', as = kubectl) => (await diff(name, query, as)).items.map(textOf);
  /** Controllers have done what they do with what is there. */
  const settled = () =>
    eventually(async () => {
      const { status, metadata } = await kubectl.get('deployment', 'web', '-n', shop);
      const pods = await kubectl.list('pods', '-n', shop);
      const { spec } = await kubectl.get('deployment', 'web', '-n', shop);
      return status?.['observedGeneration'] === metadata.generation && pods.length === spec?.['replicas'];
    }, 60_000);

  beforeAll(async () => {
    kylon = await setUp(kubectl, kubeconfigOf(cluster), [shop, other]);
    await kubectl.run(['create', '-f', '-'], [deployment('web'), service, secret('one'), configMap(shop, 'settings', { a: '1' })]);
    await settled();
    await backUp(kubectl, shop, 'before');
  });
  afterAll(async () => {
    await kylon?.discard();
    await tearDown(kubectl, [shop, other]);
  });

  it('is empty for what nobody touched, whatever controllers and the server have noted since', async () => {
    await kubectl.run([
      'patch',
      'deployment',
      'web',
      '-n',
      shop,
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"replicas":7}}',
    ]);
    await settled();
    expect(await diff('before')).toEqual({ kind: 'BackupDifferenceList', apiVersion: 'backup.kylon.io/v1alpha1', metadata: {}, items: [] });
  });

  it('takes no default of a Service that was made anew for a change', async () => {
    await kubectl.run(['delete', 'service', 'web', '-n', shop]);
    await kubectl.run(['create', '-f', '-'], service);
    expect(await told('before')).toEqual([]);
  });

  it('tells of a Deployment that was scaled its replicas, and its new pods', async () => {
    await kubectl.run(['scale', 'deployment', 'web', '-n', shop, '--replicas=3']);
    await settled();
    const { items } = await diff('before');
    expect(items.filter(({ resource }) => resource === 'deployments')).toEqual([
      expect.objectContaining({ change: 'Changed', name: 'web', patch: [{ op: 'replace', path: '/spec/replicas', value: 3 }] }),
    ]);
    expect(items.filter(({ resource, change }) => resource === 'pods' && change === 'Added')).toHaveLength(2);
    expect(items.filter(({ resource }) => resource === 'services' || resource === 'endpointslices')).toEqual([]);
  });

  it('tells of a Deployment that was rolled out what was asked for, and not what the controller notes', async () => {
    await kubectl.run(['set', 'image', 'deployment/web', 'web=web:2', '-n', shop]);
    await eventually(
      async () => (await kubectl.get('deployment', 'web', '-n', shop)).metadata.annotations?.['deployment.kubernetes.io/revision'] === '2',
    );
    expect((await diff('before', '?resource=deployments')).items[0]?.patch?.map(({ path }) => path).toSorted()).toEqual([
      '/spec/replicas',
      '/spec/template/spec/containers/0/image',
    ]);
  });

  it('tells of a Secret its new value, of labels and of what is gone', async () => {
    await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], secret('two'));
    await kubectl.run(['label', 'configmap', 'settings', '-n', shop, 'team=a']);
    await kubectl.run(['create', '-f', '-'], configMap(shop, 'another'));
    const { items } = await diff('before', '?group=core');
    const patchOf = (name: string) => items.find((item) => item.name === name)?.patch;
    expect(patchOf('password')).toEqual([{ op: 'replace', path: '/data/value', value: Buffer.from('two').toString('base64') }]);
    expect(patchOf('settings')).toEqual([{ op: 'add', path: '/metadata/labels', value: { team: 'a' } }]);
    expect(items.map(textOf)).toContain('Added configmaps another');
    await kubectl.run(['delete', 'configmap', 'settings', '-n', shop]);
    expect(await told('before', '?resource=configmaps')).toEqual(['Added configmaps another', 'Removed configmaps settings']);
    expect(await told('before', '?resource=configmaps&name=settings')).toEqual(['Removed configmaps settings']);
  });

  it('comes in pages, each by the token of the one before', async () => {
    const whole = await told('before');
    expect(whole.length).toBeGreaterThan(4);
    const paged: string[] = [];
    for (let token = '', more = true; more;) {
      const page = await diff('before', `?limit=1&continue=${token}`);
      paged.push(...page.items.map(textOf));
      token = page.metadata.continue ?? '';
      more = token !== '';
    }
    expect(paged).toEqual(whole);
  });

  it('compares with another backup, which changes no more', async () => {
    await backUp(kubectl, shop, 'after');
    const whole = await told('before');
    await kubectl.run(['delete', 'secret', 'password', '-n', shop]);
    expect((await told('before', '?against=after')).toSorted()).toEqual(whole.toSorted());
    expect(await kubectl.fails(['get', '--raw', `${path(shop, 'backups/before/diff')}?against=none`])).toMatch(/"none" not found/);
  });

  it('leads back to nothing once it is restored', async () => {
    await kubectl.run(['create', '-f', '-'], secret('two'));
    expect(await told('after')).toEqual([]);
  });

  it('is seen with the rights of who asks', async () => {
    await kubectl.run(['create', 'role', 'half', '--verb=get,list', '--resource=configmaps,deployments.apps', '-n', shop]);
    await kubectl.run(['create', 'role', 'diff', '--verb=get', '--resource=backups.backup.kylon.io/diff', '-n', shop]);
    for (const role of ['half', 'diff']) await kubectl.run(['create', 'rolebinding', role, `--role=${role}`, '--user=carol', '-n', shop]);
    const carol = kubectl.as('carol');
    await eventually(async () => (await carol.try(['get', '--raw', path(shop, 'backups/before/diff')])).code === 0);
    const { items, warnings = [] } = await diff('before', '', carol);
    expect(new Set(items.map(({ resource }) => resource))).toEqual(new Set(['configmaps', 'deployments']));
    expect(warnings).toContainEqual(
      `secrets of ${shop} is not or not all compared: secrets is forbidden: User "carol" cannot list resource "secrets" in API group "" in the namespace "${shop}"`,
    );
    expect(await told('before', '?resource=secrets', carol)).toEqual([]);
    const aimed = await carol.fails(['get', '--raw', path(shop, 'backups/before/items')]);
    expect(aimed).toMatch(/cannot get resource "backups\/items"/);
  });

  it('shows a backup of several namespaces to who may see one of them as much as that one', async () => {
    await kubectl.run(['create', '-f', '-'], [configMap(other, 'settings')]);
    await backUp(kubectl, shop, 'both', { includedNamespaces: [shop, other], includedResources: ['configmaps'] });
    await kubectl.run(['delete', 'configmap', 'settings', '-n', other]);
    await kubectl.run(['create', '-f', '-'], configMap(shop, 'late'));
    const carol = kubectl.as('carol');
    const { items, warnings = [] } = await diff('both', '?resource=configmaps', carol);
    expect(items.map(textOf)).toEqual(['Added configmaps late']);
    expect(warnings).toEqual([expect.stringContaining(`configmaps of ${other} is not or not all compared: configmaps is forbidden`)]);
    expect((await told('both', '?resource=configmaps')).toSorted()).toEqual(['Added configmaps late', 'Removed configmaps settings']);
  });
});
