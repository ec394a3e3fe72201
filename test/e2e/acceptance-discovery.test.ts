/**
 * How clients find out what this API is, beside a real kube-apiserver.
 * The numbers are those of the acceptance list; each test shows the exact effect of its line.
 */
import { describe, expect, it } from 'vitest';
import { acceptance, acceptanceBed } from './acceptance.ts';
import { apiServiceName } from './kylon.ts';
import { apiVersion } from './objects.ts';
import { eventually } from './process.ts';
import type { Proxy } from './proxy.ts';

describe(`${acceptance.title}: discovery`, acceptance.options, () => {
  let before: { v2: string[]; v3: string[] };
  const { kubectl, inNs, send } = acceptanceBed('kylon-e2e-discovery', async (proxy) => {
    before = await eventually(async () => {
      const now = await published(proxy);
      return now.v3.every((key) => !key.includes('kylon')) ? now : undefined;
    }, 90_000);
  });

  it('A1 the APIService is available', async () => {
    const { status } = await kubectl.get('apiservice', apiServiceName);
    expect(status?.['conditions']).toContainEqual(expect.objectContaining({ type: 'Available', status: 'True', reason: 'Passed' }));
    expect(await kubectl.run(['get', 'apiservice', apiServiceName])).toMatch(/ True /);
  });

  it('A2 api-resources shows every resource', async () => {
    const { stdout, stderr, code } = await kubectl.try(['api-resources', '--api-group=backup.kylon.io', '-o', 'wide', '--no-headers']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const verbs = 'create,delete,deletecollection,get,list,patch,update,watch';
    for (const [plural, short, kind, namespaced] of [
      ['backups', 'bk', 'Backup', true],
      ['restores', 'rst', 'Restore', true],
      ['snapshots', 'ksnap', 'Snapshot', true],
      ['backupstores', 'bst', 'BackupStore', false],
    ])
      expect(stdout).toMatch(
        new RegExp(
          `^${plural} +${short} +backup\\.kylon\\.io/v1alpha1 +${namespaced} +${kind} +${verbs} +${namespaced ? 'kylon' : ''} *$`,
          'm',
        ),
      );
    for (const name of ['backups', 'backup', 'bk', 'bk.backup.kylon.io', 'kylon']) await kubectl.run(inNs('get', name));
    expect(await kubectl.run(inNs('get', 'all'))).not.toContain('kylon');
  });

  it('A3 aggregated discovery has a current entry with a responseKind everywhere', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    interface Entry {
      responseKind?: { kind: string };
      subresources?: Entry[];
    }
    const group = await eventually(async () => {
      const { items } = JSON.parse((await send('GET', '/apis', { headers: { accept } })).text) as {
        items: { metadata: { name: string }; versions: { freshness: string; resources: Entry[] }[] }[];
      };
      return items.find(({ metadata }) => metadata.name === 'backup.kylon.io');
    });
    const [version] = group.versions;
    expect(version?.freshness).toBe('Current');
    const entries = version?.resources.flatMap((resource) => [resource, ...(resource.subresources ?? [])]) ?? [];
    expect(entries.length).toBeGreaterThan(8);
    for (const entry of entries) expect(entry.responseKind?.kind, JSON.stringify(entry)).toBeTruthy();
  });

  it('A4 group and resource list', async () => {
    expect(JSON.parse(await kubectl.run(['get', '--raw', '/apis/backup.kylon.io']))).toMatchObject({
      kind: 'APIGroup',
      preferredVersion: { groupVersion: apiVersion },
    });
    const list = JSON.parse(await kubectl.run(['get', '--raw', `/apis/${apiVersion}`])) as { kind: string; resources: { name: string }[] };
    expect(list.kind).toBe('APIResourceList');
    expect(list.resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'backups',
        'backups/status',
        'backups/restore',
        'backups/download',
        'backups/items',
        'backups/log',
        'restores',
        'restores/status',
        'restores/log',
        'restores/results',
        'backupstores/status',
        'backupstores/check',
      ]),
    );
  });

  it('A5 explain, for everybody', async () => {
    await eventually(() => kubectl.run(['explain', 'backups.spec']), 60_000);
    for (const client of [kubectl, kubectl.as('nobody')]) {
      expect(await client.run(['explain', 'backups.spec', '--recursive'])).toMatch(/includedNamespaces\s+<\[\]string>/);
      const whole = await client.run(['explain', 'backup']);
      expect(whole).toMatch(/KIND: +Backup/);
      expect(whole).not.toContain('<empty>');
    }
  });

  it('A6 OpenAPI v3 gains this group version and nothing else', async () => {
    const after = await eventually(async () => {
      const now = await published({ send });
      return now.v3.includes(`apis/${apiVersion}`) ? now : undefined;
    }, 90_000);
    expect(after.v3.filter((key) => !before.v3.includes(key))).toEqual([`apis/${apiVersion}`]);
    expect(before.v3.filter((key) => !after.v3.includes(key) && !key.startsWith('apis/backup'))).toEqual([]);
  });

  it('A7 OpenAPI v2 gains our definitions, collides with none, and is whole in both formats', async () => {
    const after = await eventually(async () => {
      const now = await published({ send });
      return now.v2.some((name) => name.includes('kylon')) ? now : undefined;
    }, 90_000);
    const added = after.v2.filter((name) => !before.v2.includes(name));
    expect(added.filter((name) => !name.includes('kylon'))).toEqual([]);
    expect(after.v2.filter((name) => /_v[0-9]+$/.test(name))).toEqual(before.v2.filter((name) => /_v[0-9]+$/.test(name)));
    const protobuf = await send('GET', '/openapi/v2', {
      headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' },
    });
    expect(protobuf.status).toBe(200);
    expect(protobuf.bytes.includes('kylon')).toBe(true);
  });
});

/** Names of definitions and of group versions that the cluster publishes. */
async function published(proxy: Pick<Proxy, 'send'>): Promise<{ v2: string[]; v3: string[] }> {
  const v2 = JSON.parse((await proxy.send('GET', '/openapi/v2')).text) as { definitions: object };
  const v3 = JSON.parse((await proxy.send('GET', '/openapi/v3')).text) as { paths: object };
  return { v2: Object.keys(v2.definitions).toSorted(), v3: Object.keys(v3.paths).toSorted() };
}
