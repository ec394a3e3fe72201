/** What has changed since a backup, as services tell it: on the memory cluster, page by page, and between two backups. */
import fastJsonPatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import type { BackupSpec } from '../../../src/resources/backup.ts';
import type { Difference, DifferenceQuery } from '../../../src/resources/services.ts';
import { ManualClock } from '../../manual-clock.ts';
import { fail, refuse, sampleCluster, widgets } from '../sample-cluster.ts';
import { alice, createWorkbench, forever, whileRunning } from '../workbench.ts';

const all: DifferenceQuery = { limit: 500, continue: '', labelSelector: '' };
const textOf = ({ resource, namespace, name, change }: Difference) => `${change} ${resource} ${namespace ? `${namespace}/` : ''}${name}`;

async function createBackup(spec: BackupSpec = {}, cluster = sampleCluster()) {
  const bench = createWorkbench({ cluster });
  const backup = await whileRunning(bench.engine, () => bench.backUp('shop', 'b', spec));
  const diff = (query: Partial<DifferenceQuery> = {}, user = alice) =>
    bench.engine.services.diff(backup, { ...all, ...query }, user, forever);
  const told = async (query: Partial<DifferenceQuery> = {}) => (await diff(query)).items.map(textOf);
  return { bench, cluster, backup, diff, told };
}

const setting = (name: string, content: object = {}, metadata: object = {}) => ({
  metadata: { name, namespace: 'shop', ...metadata },
  ...content,
});

describe('a diff with the cluster', () => {
  it('is empty where nothing has changed, and neither is a note of the server a change', async () => {
    const { cluster, diff } = await createBackup();
    expect(await diff()).toEqual({ items: [], continue: '', warnings: [] });
    cluster.seed('configmaps', { ...cluster.read('configmaps', 'shop', 'settings')!, status: { seen: true } });
    expect(await diff()).toEqual({ items: [], continue: '', warnings: [] });
  });

  it('tells what was added, removed and changed, and how', async () => {
    const { cluster, diff } = await createBackup();
    cluster.seed('configmaps', setting('another', { data: {} }));
    cluster.drop('secrets', 'shop', 'password');
    cluster.seed('configmaps', setting('settings', { data: { in: 'kitchen', on: '1' } }, { labels: { app: 'web' } }));
    cluster.seed(widgets, setting('gear', { spec: {} }));
    const { items } = await diff();
    expect(items.map(textOf)).toEqual([
      'Added configmaps shop/another',
      'Changed configmaps shop/settings',
      'Removed secrets shop/password',
      'Changed widgets shop/gear',
    ]);
    expect(items[1]).toEqual({
      group: '',
      version: 'v1',
      kind: 'ConfigMap',
      resource: 'configmaps',
      namespace: 'shop',
      name: 'settings',
      change: 'Changed',
      patch: [
        { op: 'replace', path: '/data/in', value: 'kitchen' },
        { op: 'add', path: '/data/on', value: '1' },
      ],
    });
    expect(items[3]?.patch).toEqual([{ op: 'remove', path: '/spec/teeth' }]);
  });

  it('gives patches that turn what was saved into what is there', async () => {
    const big = 12_345_678_901_234_567_890n;
    const cluster = sampleCluster();
    const before = { list: [1, 2, 3, { a: 1 }], 'a/b~c': { x: 1 }, gone: true, count: big };
    cluster.seed(widgets, setting('gear', { spec: before }));
    const { diff } = await createBackup({}, cluster);
    const after = { list: [2, { a: 2 }], 'a/b~c': { y: [] }, count: big + 1n, more: { count: big } };
    cluster.seed(widgets, setting('gear', { spec: after }));
    const { items } = await diff();
    const patch = items[0]?.patch as fastJsonPatch.Operation[];
    expect(fastJsonPatch.applyPatch(structuredClone({ spec: before }) as object, patch).newDocument).toEqual({ spec: after });
  });

  it('counts as added only what the backup would have taken', async () => {
    const spec = {
      includedResources: ['configmaps', 'secrets'],
      labelSelector: { matchLabels: { app: 'web' } },
      filters: [{ resources: ['configmaps'], excludedNames: ['tmp-*'] }],
    };
    const { cluster, told } = await createBackup(spec);
    cluster.seed('configmaps', setting('right', {}, { labels: { app: 'web' } }));
    cluster.seed('configmaps', setting('tmp-1', {}, { labels: { app: 'web' } }));
    cluster.seed('configmaps', setting('other', {}, { labels: { app: 'db' } }));
    cluster.seed('configmaps', setting('excluded', {}, { labels: { app: 'web', 'backup.kylon.io/exclude': 'true' } }));
    cluster.seed('services', setting('service', {}, { labels: { app: 'web' } }));
    cluster.seed('configmaps', { metadata: { name: 'there', namespace: 'other', labels: { app: 'web' } } });
    expect(await told()).toEqual(['Added configmaps shop/right']);
  });

  it('warns of a resource that nobody knows, instead of finding no difference', async () => {
    const { diff } = await createBackup();
    expect(await diff({ resource: 'configmapz' })).toMatchObject({
      items: [],
      warnings: ['nothing is compared: "configmapz" names no resource'],
    });
    expect((await diff({ group: '', resource: 'configmaps' })).warnings).toEqual([]);
  });

  it('takes a resource by each of its names, also one that is served no more', async () => {
    const { cluster, diff, told } = await createBackup();
    cluster.drop('configmaps', 'shop', 'settings');
    for (const resource of ['configmaps', 'configmap', 'ConfigMap'])
      expect([resource, await told({ resource })]).toEqual([resource, ['Removed configmaps shop/settings']]);
    expect(await told({ resource: 'configmap', group: '' })).toEqual(['Removed configmaps shop/settings']);
    expect(await told({ resource: 'configmap', group: 'apps' })).toEqual([]);
    cluster.drop('customresourcedefinitions.apiextensions.k8s.io', '', widgets);
    expect((await diff({ resource: 'Widget' })).warnings).toEqual([`${widgets} is not compared: the cluster does not serve it`]);
  });

  it('tells of an object that lost its label that it changed', async () => {
    const { cluster, told } = await createBackup({ labelSelector: { matchLabels: { app: 'web' } } });
    cluster.seed('configmaps', setting('settings', { data: { in: 'shop' } }, { labels: { app: 'db' } }));
    expect(await told()).toEqual(['Changed configmaps shop/settings']);
    expect(await told({ labelSelector: 'app=web' })).toEqual(['Changed configmaps shop/settings']);
    expect(await told({ labelSelector: 'app=db' })).toEqual(['Changed configmaps shop/settings']);
    expect(await told({ labelSelector: 'app=none' })).toEqual([]);
  });

  it('finds new namespaces by a pattern, and what became of those that are gone', async () => {
    const { cluster, told } = await createBackup({ includedNamespaces: ['*'], excludedNamespaces: ['out'] });
    for (const name of ['new', 'out']) {
      cluster.seed('namespaces', { metadata: { name } });
      cluster.seed('configmaps', { metadata: { name: 'settings', namespace: name } });
    }
    cluster.dropNamespace('other');
    expect(await told()).toEqual([
      'Added configmaps new/settings',
      'Removed configmaps other/settings',
      'Added namespaces new',
      'Removed namespaces other',
      'Removed secrets other/password',
    ]);
    expect(await told({ namespace: 'other' })).toEqual(['Removed configmaps other/settings', 'Removed secrets other/password']);
    expect(await told({ namespace: '' })).toEqual(['Added namespaces new', 'Removed namespaces other']);
    expect(await told({ group: '', resource: 'secrets' })).toEqual(['Removed secrets other/password']);
    expect(await told({ name: 'password' })).toEqual(['Removed secrets other/password']);
  });

  it('merges namespaces whose names begin alike', async () => {
    const cluster = sampleCluster();
    for (const name of ['shop-a', 'shop-b', 'shop.c'.replace('.', '0')]) {
      cluster.seed('namespaces', { metadata: { name } });
      for (const n of ['a', 'b', 'c']) cluster.seed('configmaps', { metadata: { name: n, namespace: name } });
    }
    const { told } = await createBackup({ includedNamespaces: ['shop*'] }, cluster);
    expect(await told()).toEqual([]);
    cluster.drop('configmaps', 'shop', 'settings');
    cluster.drop('configmaps', 'shop-a', 'b');
    cluster.seed('configmaps', { metadata: { name: 'aa', namespace: 'shop-b' } });
    expect((await told()).toSorted()).toEqual([
      'Added configmaps shop-b/aa',
      'Removed configmaps shop-a/b',
      'Removed configmaps shop/settings',
    ]);
  });

  it('is the same in pages of any size', async () => {
    const cluster = sampleCluster();
    for (const name of ['shop-a', 'shop-b']) cluster.seed('namespaces', { metadata: { name } });
    const seed = (from: number, to: number, data: object) => {
      for (let n = from; n < to; n++)
        for (const namespace of ['shop-a', 'shop', 'shop-b'])
          cluster.seed('configmaps', { metadata: { name: `c${String(n).padStart(4, '0')}`, namespace }, data });
    };
    seed(0, 700, { a: '1' });
    const { diff } = await createBackup({ includedNamespaces: ['shop*'] }, cluster);
    seed(3, 9, { a: '2' });
    seed(690, 720, { a: '2' });
    for (const n of ['0001', '0500', '0600']) cluster.drop('configmaps', 'shop', `c${n}`);
    const whole = (await diff({ limit: 5_000 })).items.map(textOf);
    expect(whole).toHaveLength(3 * 6 + 3 * 30 + 3);
    for (const limit of [1, 7, 100]) {
      const paged: string[] = [];
      for (let token = ''; ;) {
        const page = await diff({ limit, continue: token });
        paged.push(...page.items.map(textOf));
        expect(page.items.length).toBeLessThanOrEqual(limit);
        if (!page.continue) break;
        token = page.continue;
      }
      expect(paged).toEqual(whole);
    }
  });

  it('ends a page when it took long, and goes on from there', async () => {
    const cluster = sampleCluster();
    for (let n = 0; n < 1200; n++) cluster.seed('configmaps', setting(`c${String(n).padStart(4, '0')}`, { data: { a: '1' } }));
    const clock = new ManualClock();
    const bench = createWorkbench({ cluster, clock });
    const backup = await whileRunning(bench.engine, () => bench.backUp('shop', 'b', {}));
    cluster.drop('configmaps', 'shop', 'c1100');
    cluster.check = ({ verb }) => (verb === 'list' ? clock.pass(21_000) : undefined);
    let pages = 0;
    const found: string[] = [];
    for (let token = ''; pages === 0 || token; pages++) {
      const page = await bench.engine.services.diff(backup, { ...all, continue: token }, alice, forever);
      found.push(...page.items.map(textOf));
      token = page.continue;
    }
    expect(found).toEqual(['Removed configmaps shop/c1100']);
    expect(pages).toBeGreaterThan(3);
  });

  it('goes on with the page of the list at which it stopped', async () => {
    const cluster = sampleCluster();
    for (let n = 0; n < 1600; n++) cluster.seed('configmaps', setting(`c${String(n).padStart(4, '0')}`));
    const { bench, diff } = await createBackup({ includedResources: ['configmaps'] }, cluster);
    for (const n of ['1200', '1300']) cluster.drop('configmaps', 'shop', `c${n}`);
    const { continue: token } = await diff({ limit: 1 });
    const starts: (string | undefined)[] = [];
    const list = cluster.list.bind(cluster);
    const noted: typeof list = (resource, options) => {
      if (resource.resource === 'configmaps') starts.push(options.start);
      return list(resource, options);
    };
    Object.assign(bench.parts.cluster, {
      as: () => Object.assign(Object.create(cluster) as typeof cluster, { list: noted, get: cluster.get.bind(cluster) }),
    });
    expect((await diff({ continue: token })).items.map(textOf)).toEqual(['Removed configmaps shop/c1300']);
    expect(starts).toEqual(['1000']);
  });

  it('asks once which resources there are, however many pages it has', async () => {
    const { cluster, diff } = await createBackup({ includedResources: ['configmaps', 'secrets'] });
    cluster.drop('configmaps', 'shop', 'settings');
    cluster.drop('secrets', 'shop', 'password');
    const discover = cluster.discover.bind(cluster);
    let asked = 0;
    cluster.discover = () => (asked++, discover());
    const first = await diff({ limit: 1 });
    const second = await diff({ limit: 1, continue: first.continue });
    expect([...first.items, ...second.items].map(textOf)).toEqual(['Removed configmaps shop/settings', 'Removed secrets shop/password']);
    expect(asked).toBe(1);
    await diff();
    expect(asked).toBe(2);
  });

  it('refuses a token that is none', async () => {
    const { diff } = await createBackup();
    for (const token of ['x', 'W10', Buffer.from('["a",1,"",""]').toString('base64url')])
      await expect(diff({ continue: token })).rejects.toMatchObject({ code: 400 });
    await expect(diff({ labelSelector: 'a in' })).rejects.toMatchObject({ code: 400 });
  });

  it('reads as who asks, and tells what they may not see', async () => {
    const { cluster, diff } = await createBackup();
    cluster.drop('configmaps', 'shop', 'settings');
    cluster.drop('secrets', 'shop', 'password');
    refuse(
      cluster,
      ({ user, verb, resource }) => user === 'bob' && (resource === 'secrets' || (verb === 'get' && resource === 'namespaces')),
    );
    expect(await diff({}, { ...alice, name: 'bob' })).toEqual({
      items: [expect.objectContaining({ change: 'Removed', resource: 'configmaps' })],
      continue: '',
      warnings: [
        'namespaces shop is not compared: namespaces is forbidden: User "bob" cannot get namespaces',
        'secrets of shop is not or not all compared: secrets is forbidden: User "bob" cannot list secrets',
      ],
    });
    expect((await diff()).items).toHaveLength(2);
  });

  it('does not look for new namespaces where they cannot be listed, and says so', async () => {
    const { cluster, diff } = await createBackup({ includedNamespaces: ['sh*'] });
    cluster.drop('configmaps', 'shop', 'settings');
    refuse(cluster, ({ verb, resource }) => verb === 'list' && resource === 'namespaces');
    const { items, warnings } = await diff();
    expect(items.map(textOf)).toEqual(['Removed configmaps shop/settings']);
    expect(warnings).toEqual([expect.stringMatching(/^what is new in namespaces of which the backup holds nothing is not compared: /)]);
  });

  it('tells a resource or a group that does not answer, which costs only itself', async () => {
    const { cluster, diff } = await createBackup();
    cluster.drop('configmaps', 'shop', 'settings');
    fail(cluster, 500, ({ verb, resource }) => verb === 'list' && resource === 'secrets');
    cluster.failures = [{ groupVersion: 'down.example.com/v1', message: 'no answer' }];
    const { items, warnings } = await diff();
    expect(items.map(textOf)).toEqual(['Removed configmaps shop/settings']);
    expect(warnings).toEqual([
      'down.example.com/v1 is not compared, it was not discovered: no answer',
      'secrets of shop is not or not all compared: secrets: no answer',
    ]);
    cluster.check = () => {};
    cluster.failures = [];
    cluster.drop('customresourcedefinitions.apiextensions.k8s.io', '', widgets);
    expect((await diff()).warnings).toEqual([`${widgets} is not compared: the cluster does not serve it`]);
  });

  it('does not take for removed what follows a page that failed', async () => {
    const cluster = sampleCluster();
    for (let n = 0; n < 1200; n++) cluster.seed('configmaps', setting(`c${String(n).padStart(4, '0')}`));
    const { diff, bench } = await createBackup({}, cluster);
    const list = cluster.list.bind(cluster);
    const cut: typeof list = async function* (resource, options) {
      for await (const page of list(resource, options)) {
        if (resource.resource === 'configmaps' && page.start === '500') throw new ClusterError(500, '', 'cut off');
        yield page;
      }
    };
    Object.assign(bench.parts.cluster, {
      as: () => Object.assign(Object.create(cluster) as typeof cluster, { list: cut, get: cluster.get.bind(cluster) }),
    });
    expect(await diff()).toMatchObject({ items: [], warnings: ['configmaps of shop is not or not all compared: cut off'] });
  });

  it('names what is damaged, and compares the rest', async () => {
    const { bench, backup, cluster, diff } = await createBackup();
    cluster.seed('configmaps', setting('settings', { data: {} }));
    cluster.drop('secrets', 'shop', 'password');
    const archive = bench.files.get(backup.status.archive?.key ?? '')!;
    archive.fill(0, 20, 60);
    const { items, warnings } = await diff();
    expect(items.map(textOf)).toEqual(['Removed secrets shop/password']);
    expect(warnings[0]).toMatch(/^configmaps\/namespaces\/shop\/settings is not compared: .*member at 0/);
    expect(warnings).toHaveLength(3);
  });

  it('is refused where the backup has no data', async () => {
    const { bench, backup } = await createBackup();
    for (const [phase, code] of [
      ['New', 409],
      ['Failed', 404],
      ['Deleting', 410],
    ] as const)
      await expect(bench.engine.services.diff({ ...backup, status: { phase } }, all, alice, forever)).rejects.toMatchObject({ code });
  });
});

describe('a diff with another backup', () => {
  it('is seen from the first to the second', async () => {
    const { bench, cluster, diff, told } = await createBackup({ includedResources: ['configmaps', 'secrets'] });
    cluster.seed('configmaps', setting('another'));
    cluster.seed('services', setting('unselected'));
    cluster.drop('secrets', 'shop', 'password');
    cluster.seed('configmaps', setting('settings', { data: { in: 'x' } }, { labels: { app: 'web' } }));
    await whileRunning(bench.engine, () => bench.backUp('shop', 'later'));
    cluster.dropNamespace('shop');
    expect(await told({ against: 'later' })).toEqual([
      'Added configmaps shop/another',
      'Changed configmaps shop/settings',
      'Removed secrets shop/password',
    ]);
    expect((await diff({ against: 'later', name: 'settings' })).items[0]?.patch).toEqual([{ op: 'replace', path: '/data/in', value: 'x' }]);
    expect(await told({ against: 'b' })).toEqual([]);
  });

  it('takes the right to see that one too, and that it is there', async () => {
    const { bench, diff } = await createBackup();
    await expect(diff({ against: 'none' })).rejects.toMatchObject({ code: 404 });
    bench.denied.add('shop');
    await expect(diff({ against: 'none' })).rejects.toMatchObject({
      code: 403,
      message: expect.stringContaining(
        'User "alice" cannot get resource "backups/diff" in API group "backup.kylon.io" in the namespace "shop"',
      ),
    });
  });
});
