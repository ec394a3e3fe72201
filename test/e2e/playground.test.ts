/** The tour of the README, as it is typed: one process, nothing else installed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparable } from './comparable.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { Kylon } from './kylon.ts';
import { apiVersion, backup, backups, complete, gone, path, restore, restores } from './objects.ts';
import { eventually, run } from './process.ts';
import { Proxy } from './proxy.ts';

describe('the playground', () => {
  const data = temporaryFolder();
  const downloads = temporaryFolder();
  let kylon: Kylon & { readonly kubeconfig: string };
  let kubectl: Kubectl;
  let sample: string;
  let before: KubeObject[];

  beforeAll(async () => {
    kylon = await Kylon.playground({ data });
    kubectl = new Kubectl(kylon.kubeconfig);
    const namespaces = (await kubectl.list('namespaces')).map(({ metadata }) => metadata.name);
    sample = namespaces.find((name) => name !== 'default' && !name.startsWith('kube-')) ?? '';
    before = await contents(kubectl, sample);
  });
  afterAll(async () => {
    await kylon?.discard();
  });

  it('prints a sample session with the sample namespace', () => {
    expect(sample).not.toBe('');
    expect(kylon.process.stdout).toMatch(/kubectl .*create/);
    expect(kylon.process.stdout).toContain(sample);
  });

  it('shows its kinds and everyday ones with api-resources', async () => {
    const { stdout, stderr, code } = await kubectl.try(['api-resources', '--no-headers']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^backups +bk +backup\.kylon\.io\/v1alpha1 +true +Backup$/m);
    expect(stdout).toMatch(/^restores +rst +backup\.kylon\.io\/v1alpha1 +true +Restore$/m);
    for (const kind of ['Namespace', 'ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'Deployment', 'StatefulSet', 'Job'])
      expect(stdout).toMatch(new RegExp(` ${kind}$`, 'm'));
    for (const kind of ['PersistentVolumeClaim', 'Role', 'RoleBinding', 'CustomResourceDefinition'])
      expect(stdout).toMatch(new RegExp(` ${kind}$`, 'm'));
  });

  it('explains every field', async () => {
    const spec = await kubectl.run(['explain', 'backup.spec']);
    expect(spec).toMatch(/GROUP: +backup\.kylon\.io/);
    for (const field of ['includedNamespaces', 'labelSelector', 'ttl', 'excludedResources']) expect(spec).toContain(field);
    expect(spec).not.toContain('<no description>');
    expect(await kubectl.run(['explain', 'restore.spec', '--recursive'])).toContain('namespaceMapping');
    expect(await kubectl.run(['explain', 'deployment'])).toContain('KIND:');
  });

  it('makes a backup that kubectl can watch, wait for and describe', async () => {
    const watch = kubectl.start('get', backups, '-n', sample, '-w');
    await kubectl.run(['create', '-f', '-'], backup(sample, 'first'));
    const made = await complete(kubectl, 'backups', { namespace: sample, name: 'first' });
    expect(made.status).toMatchObject({
      phase: 'Completed',
      items: expect.any(Number),
      archive: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    await watch.waitFor(/first .*Completed/);
    await watch.stop();
    expect(watch.stdout.match(/NAME/g)).toHaveLength(1);
    const described = await kubectl.run(['describe', 'backup', 'first', '-n', sample]);
    for (const text of ['Phase:', 'Completed', 'Start Timestamp:', 'Conditions:']) expect(described).toContain(text);
  });

  it('lists what is inside', async () => {
    const page = JSON.parse(await kubectl.run(['get', '--raw', path(sample, 'backups/first/items')])) as {
      items: { kind: string; name: string }[];
    };
    const names = page.items.map(({ kind, name }) => `${kind}/${name}`);
    for (const { kind, metadata } of before) expect(names).toContain(`${kind}/${metadata.name}`);
    const first = before.find(({ kind }) => kind === 'ConfigMap');
    const raw = await kubectl.run(['get', '--raw', path(sample, `backups/first/items/core/configmaps/${sample}/${first?.metadata.name}`)]);
    expect(JSON.parse(raw)).toMatchObject({ kind: 'ConfigMap', metadata: { name: first?.metadata.name, namespace: sample } });
    expect(await kubectl.run(['get', '--raw', path(sample, 'backups/first/log')])).toMatch(/\n/);
  });

  it('gives the archive through kubectl proxy and curl', async () => {
    const proxy = await Proxy.start(kubectl);
    try {
      const url = `${proxy.address}${path(sample, 'backups/first/download')}`;
      const file = join(downloads, 'first.tar.gz');
      expect(await run('curl', ['-sSf', '-o', file, url])).toMatchObject({ code: 0, stderr: '' });
      const listed = await run('tar', ['tzf', file]);
      expect(listed).toMatchObject({ code: 0, stderr: '' });
      expect(listed.stdout).toMatch(new RegExp(`^resources/configmaps/namespaces/${sample}/.+\\.json$`, 'm'));
      expect(listed.stdout).toMatch(new RegExp(`^resources/deployments\\.apps/namespaces/${sample}/.+\\.json$`, 'm'));
      const { status } = await kubectl.get('backup', 'first', '-n', sample);
      const bytes = readFileSync(file);
      expect(status?.['archive']).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length });
      const part = await run('curl', ['-sS', '-D', '-', '-o', join(downloads, 'part'), '-H', 'Range: bytes=10-19', url]);
      expect(part.stdout).toMatch(/206 Partial Content/);
      expect(readFileSync(join(downloads, 'part'))).toEqual(bytes.subarray(10, 20));
    } finally {
      await proxy.stop();
    }
  });

  it('compares, verifies and holds a backup', async () => {
    const at = (rest: string) => path(sample, `backups/first/${rest}`);
    expect(JSON.parse(await kubectl.run(['get', '--raw', at('diff')]))).toMatchObject({ kind: 'BackupDifferenceList', items: [] });
    await kubectl.run(['create', '--raw', at('verify'), '-f', '/dev/null']);
    await kubectl.run(['wait', '--for=condition=Verified', '--timeout=20s', 'backup/first', '-n', sample]);
    await kubectl.run(['replace', '--raw', at('hold'), '-f', '/dev/null']);
    expect(await kubectl.fails(['delete', 'backup', 'first', '-n', sample])).toMatch(/\(Forbidden\).*it is held by playground-admin/);
    await kubectl.run(['delete', '--raw', at('hold')]);
  });

  it('loses nothing by a restart', async () => {
    const old = await kubectl.get(backups, 'first', '-n', sample);
    await kylon.stop();
    kylon = await Kylon.playground({ data });
    kubectl = new Kubectl(kylon.kubeconfig);
    expect(await kubectl.get(backups, 'first', '-n', sample)).toEqual(old);
    expect((await contents(kubectl, sample)).map(comparable)).toEqual(before.map(comparable));
  });

  it('brings a deleted namespace back by a Restore', async () => {
    await kubectl.run(['delete', 'namespace', sample]);
    await gone(kubectl, 'namespace', sample);
    expect(await contents(kubectl, sample)).toEqual([]);
    await kubectl.run(['create', '-f', '-'], restore(sample, 'back', 'first'));
    const done = await complete(kubectl, 'restores', { namespace: sample, name: 'back' });
    expect(done.status).toMatchObject({ phase: 'Completed' });
    expect((await contents(kubectl, sample)).map(comparable)).toEqual(before.map(comparable));
    await kubectl.get(backups, 'first', '-n', sample);
  });

  it('does so again by POST to the backup', async () => {
    await kubectl.run(['delete', 'namespace', sample]);
    await gone(kubectl, 'namespace', sample);
    const made = JSON.parse(await kubectl.run(['create', '--raw', path(sample, 'backups/first/restore'), '-f', '-'], '{}')) as KubeObject;
    expect(made).toMatchObject({ apiVersion, kind: 'Restore', spec: { backupName: 'first' } });
    await complete(kubectl, 'restores', { namespace: sample, name: made.metadata.name });
    expect((await contents(kubectl, sample)).map(comparable)).toEqual(before.map(comparable));
  });

  it('removes a backup with its data', async () => {
    await kubectl.run(['delete', 'backup', 'first', '-n', sample]);
    await gone(kubectl, backups, 'first', '-n', sample);
    const left = await eventually(async () => {
      const files = (await run('find', [data, '-name', '*.tar.gz'])).stdout;
      return files === '' ? 'nothing' : undefined;
    });
    expect(left).toBe('nothing');
    expect(await kubectl.list(restores, '-n', sample)).not.toEqual([]);
  });

  it('ends cleanly, though npm sends each Ctrl-C twice', async () => {
    kylon.process.child.kill('SIGINT');
    kylon.process.child.kill('SIGINT');
    await eventually(async () => kylon.process.ended);
    await kylon.stop();
    expect(kylon.process.stderr).toBe('');
  });
});

const kinds = 'configmaps,secrets,services,serviceaccounts,deployments,statefulsets,jobs,persistentvolumeclaims,roles,rolebindings';

const contents = (kubectl: Kubectl, namespace: string) => kubectl.list(kinds, '-n', namespace);
