/**
 * What kubectl does with objects that are served from outside of kube-apiserver, beside a real one.
 * The numbers are those of the acceptance list; each test shows the exact effect of its line.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acceptance, acceptanceBed, small } from './acceptance.ts';
import { temporaryFolder } from './folder.ts';
import type { KubeObject } from './kubectl.ts';

import { apiVersion, backup, backups, configMap, gone, namespace, path, restore, complete } from './objects.ts';
import { eventually } from './process.ts';

describe(`${acceptance.title}: objects`, acceptance.options, () => {
  const ns = 'kylon-e2e-objects';
  const { kubectl, create, finished, inNs, send, versionOf } = acceptanceBed(ns);

  it('A8 create and already exists', async () => {
    expect(await create(backup(ns, 'a8', small))).toBe('backup.backup.kylon.io/a8 created\n');
    const again = await kubectl.try(['create', '-f', '-'], backup(ns, 'a8', small));
    expect(again).toMatchObject({
      code: 1,
      stderr: 'Error from server (AlreadyExists): error when creating "STDIN": backups.backup.kylon.io "a8" already exists\n',
    });
  });

  it('A9 unknown fields: strict, warn, ignore', async () => {
    const wrong = (name: string) => backup(ns, name, { ...small, includeNamespaces: ['x'] });
    expect(await kubectl.fails(['create', '-f', '-'], wrong('a9'))).toMatch(
      /\(BadRequest\).*strict decoding error: unknown field "spec\.includeNamespaces"/s,
    );
    const warned = await kubectl.try(['create', '--validate=warn', '-f', '-'], wrong('a9-warn'));
    expect(warned.code).toBe(0);
    expect(warned.stderr).toContain('Warning: unknown field "spec.includeNamespaces"');
    expect(await kubectl.try(['create', '--validate=ignore', '-f', '-'], wrong('a9-ignore'))).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['a9-warn', 'a9-ignore'])
      expect((await kubectl.get(backups, name, '-n', ns)).spec).not.toHaveProperty('includeNamespaces');
  });

  it('A10 get in every form', async () => {
    await finished('a10', small, { app: 'a10' });
    const get = (...args: string[]) => kubectl.run(inNs('get', backups, ...args));
    expect(await get('a10')).toMatch(/^NAME +.*AGE\na10 +.*Completed/);
    expect((await get('a10', '-o', 'wide')).split('\n')[0]?.length).toBeGreaterThanOrEqual((await get('a10')).split('\n')[0]?.length ?? 0);
    expect(await kubectl.run(['get', backups, '-A'])).toMatch(new RegExp(`^NAMESPACE +NAME[^]*${ns} +a10 `));
    expect(await get('a10', '-o', 'yaml')).toMatch(/^apiVersion: backup\.kylon\.io\/v1alpha1\nkind: Backup\n/);
    expect(await get('a10', '-o', 'name')).toBe('backup.backup.kylon.io/a10\n');
    const names = (await get('--sort-by=.metadata.name', '-o', 'name')).trim().split('\n');
    expect(names).toEqual(names.toSorted());
    expect((await get('--sort-by=.metadata.name')).split('\n').length).toBe(names.length + 2);
    expect(await get('a10', '-o', 'custom-columns=N:.metadata.name,P:.status.phase')).toMatch(/^N +P\na10 +Completed\n$/);
    expect(await get('--show-labels')).toMatch(/LABELS\n[^]*app=a10/);
    expect(await get('-L', 'app')).toMatch(/APP\n[^]* a10\n/);
    expect(await get('a10', '--no-headers')).toMatch(/^a10 /);
    expect(await kubectl.try(['get', backups, '-n', 'default'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'No resources found in default namespace.\n',
    });
  });

  it('A11 a watch shows one row for each change', async () => {
    await finished('a11');
    const watch = kubectl.start(...inNs('get', backups, '-w'));
    await watch.waitFor(/^a11 /m);
    const rows = () => watch.stdout.split('\n').filter((line) => line.startsWith('a11 ')).length;
    for (const change of [
      ['label', backups, 'a11', 'x=1'],
      ['annotate', backups, 'a11', 'x=2'],
      ['label', backups, 'a11', 'x-'],
    ]) {
      const had = rows();
      await kubectl.run(inNs(...change));
      await eventually(async () => rows() > had);
      expect(rows(), change.join(' ')).toBe(had + 1);
    }
    await kubectl.run(inNs('delete', backups, 'a11'));
    await create(backup(ns, 'a11-new', small));
    await watch.waitFor(/^a11-new /m);
    await watch.stop();
    expect(watch.stdout.match(/^NAME /gm)).toHaveLength(1);
    expect(watch.stderr).toBe('');
  });

  it('A12 a watch of one, and of changes only', async () => {
    await finished('a12');
    const one = kubectl.start(...inNs('get', backups, 'a12', '-w'));
    await one.waitFor(/^a12 /m);
    const only = kubectl.start(...inNs('get', backups, '--watch-only'));
    await eventually(
      async () => {
        await kubectl.run(inNs('label', backups, 'a12', `n=${Date.now()}`, '--overwrite'));
        return /^a12 /m.test(only.stdout);
      },
      20_000,
      500,
    );
    await one.stop();
    await only.stop();
    expect(one.stdout).not.toMatch(/^a(10|11)/m);
    expect(only.stdout).not.toMatch(/^a(8|9|10|11) /m);
  });

  it('A13 a list in pieces', async () => {
    await Promise.all([1, 2, 3, 4, 5].map((n) => create(backup(ns, `a13-${n}`, small, { line: 'a13' }))));
    const { stdout, stderr } = await kubectl.try(inNs('get', backups, '-l', 'line=a13', '--chunk-size=2', '-o', 'name', '-v=8'));
    expect(
      stdout
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('backup.')),
    ).toHaveLength(5);
    const requests = new Set(
      stderr.match(/GET https:\S+limit=2\S*|url="https:\S+limit=2\S*/g)?.map((line) => line.replace(/^.*https/, 'https')),
    );
    expect(requests.size).toBe(3);
    expect([...requests].filter((url) => url.includes('continue='))).toHaveLength(2);
  });

  it('A14 selectors', async () => {
    await Promise.all(['b', 'c', 'x'].map((a) => create(backup(ns, `a14-${a}`, small, { a, ...(a === 'c' && { d: '1' }) }))));
    const names = async (...args: string[]) => (await kubectl.run(inNs('get', backups, '-o', 'name', ...args))).trim();
    expect(await names('-l', 'a in (b,c),!d')).toBe('backup.backup.kylon.io/a14-b');
    expect(await names('-l', 'a notin (b,c),a')).toBe('backup.backup.kylon.io/a14-x');
    expect(await names('--field-selector', 'metadata.name=a14-c')).toBe('backup.backup.kylon.io/a14-c');
    const unknown = await kubectl.fails(inNs('get', backups, '--field-selector', 'spec.foo=1'));
    expect(unknown).toMatch(
      /^Error from server \(BadRequest\): .*"spec\.foo" is not a known field selector|field label not supported: spec\.foo/,
    );
  });

  it('A15 apply: created, configured, unchanged', async () => {
    const apply = (ttl: string) => kubectl.run(['apply', '-f', '-'], backup(ns, 'a15', { ...small, ttl }));
    expect(await apply('1h')).toBe('backup.backup.kylon.io/a15 created\n');
    await complete(kubectl, backups, { namespace: ns, name: 'a15' });
    expect(await apply('2h')).toBe('backup.backup.kylon.io/a15 configured\n');
    const version = await versionOf('a15');
    expect(await apply('2h')).toBe('backup.backup.kylon.io/a15 unchanged\n');
    expect(await versionOf('a15')).toBe(version);
  });

  it('A18 diff shows a change and makes none', async () => {
    await kubectl.run(['apply', '-f', '-'], backup(ns, 'a18', { ...small, ttl: '1h' }));
    await complete(kubectl, backups, { namespace: ns, name: 'a18' });
    const version = await versionOf('a18');
    const diff = await kubectl.try(['diff', '-f', '-'], backup(ns, 'a18', { ...small, ttl: '3h' }));
    expect(diff.code, diff.stderr).toBe(1);
    expect(diff.stdout).toMatch(/^-.*ttl: 1h$/m);
    expect(diff.stdout).toMatch(/^\+.*ttl: 3h$/m);
    expect(await kubectl.try(['diff', '-f', '-'], backup(ns, 'a18', { ...small, ttl: '1h' }))).toMatchObject({ code: 0, stdout: '' });
    expect(await versionOf('a18')).toBe(version);
  });

  it('A19 server-side dry run stores nothing', async () => {
    const made = await kubectl.run(['create', '--dry-run=server', '-o', 'json', '-f', '-'], backup(ns, 'a19', small));
    expect((JSON.parse(made) as KubeObject).metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await kubectl.fails(inNs('get', backups, 'a19'))).toContain('(NotFound)');
    await finished('a19');
    const watch = kubectl.start(...inNs('get', backups, 'a19', '-w', '--output-watch-events'));
    await watch.waitFor(/a19/);
    expect(await kubectl.run(inNs('delete', backups, 'a19', '--dry-run=server'))).toContain('(server dry run)');
    await kubectl.run(inNs('label', backups, 'a19', 'dry=run', '--dry-run=server'));
    await kubectl.run(inNs('label', backups, 'a19', 'wet=run'));
    await watch.waitFor(/MODIFIED/);
    await watch.stop();
    expect(watch.stdout).not.toContain('DELETED');
    expect(watch.stdout.match(/MODIFIED/g)).toHaveLength(1);
    expect((await kubectl.get(backups, 'a19', '-n', ns)).metadata.labels).toEqual({ wet: 'run' });
  });

  it('A20 edit, and a stale replace', async () => {
    const stale = await finished('a20');
    const folder = temporaryFolder();
    const editor = join(folder, 'editor');
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/ttl: .*/ttl: 4h/" "$1"\n');
    chmodSync(editor, 0o755);
    process.env['KUBE_EDITOR'] = editor;
    expect(await kubectl.run(inNs('edit', backups, 'a20'))).toBe('backup.backup.kylon.io/a20 edited\n');
    delete process.env['KUBE_EDITOR'];
    const now = await kubectl.get(backups, 'a20', '-n', ns);
    expect(now.spec?.['ttl']).toBe('4h');
    expect(await kubectl.fails(['replace', '-f', '-'], stale)).toContain(
      'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on backups.backup.kylon.io "a20": the object has been modified; please apply your changes to the latest version and try again',
    );
    expect(await kubectl.run(['replace', '-f', '-'], { ...now, spec: { ...now.spec, ttl: '6h' } })).toContain('replaced');
  });

  it('A21 patches: merge, JSON, and not strategic', async () => {
    await finished('a21');
    const patch = (type: string, body: unknown) => inNs('patch', backups, 'a21', `--type=${type}`, '-p', JSON.stringify(body));
    expect(await kubectl.run(patch('merge', { spec: { ttl: '7h' } }))).toBe('backup.backup.kylon.io/a21 patched\n');
    await kubectl.run(
      patch('json', [
        { op: 'test', path: '/spec/ttl', value: '7h' },
        { op: 'replace', path: '/spec/ttl', value: '8h' },
      ]),
    );
    expect((await kubectl.get(backups, 'a21', '-n', ns)).spec?.['ttl']).toBe('8h');
    expect(await kubectl.run(patch('merge', { spec: { ttl: '8h' } }))).toContain('(no change)');
    expect(await kubectl.fails(patch('strategic', { spec: { ttl: '9h' } }))).toMatch(
      /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json/,
    );
    expect(await kubectl.fails(patch('merge', { spec: { includedNamespaces: ['default'] } }))).toMatch(/\(?Invalid|is invalid.*spec/s);
  });

  it('A22 label and annotate, with a precondition', async () => {
    await finished('a22');
    expect(await kubectl.run(inNs('label', backups, 'a22', 'k=1'))).toContain('labeled');
    expect(await kubectl.run(inNs('label', backups, 'a22', 'k=2', '--overwrite'))).toContain('labeled');
    expect(await kubectl.run(inNs('annotate', backups, 'a22', 'k=v'))).toContain('annotated');
    expect(await kubectl.fails(inNs('label', backups, 'a22', 'k=3', '--overwrite', '--resource-version=1'))).toMatch(
      /\(Conflict\).*the object has been modified/,
    );
    expect((await kubectl.get(backups, 'a22', '-n', ns)).metadata).toMatchObject({ labels: { k: '2' }, annotations: { k: 'v' } });
  });

  it('A23 delete, and of what is not there', async () => {
    await finished('a23');
    expect(await kubectl.run(inNs('delete', backups, 'a23', '--timeout=20s'))).toMatch(/backup\.backup\.kylon\.io "a23" deleted/);
    expect(await kubectl.fails(inNs('get', backups, 'a23'))).toBe(
      'Error from server (NotFound): backups.backup.kylon.io "a23" not found\n',
    );
    expect(await kubectl.fails(inNs('delete', backups, 'a23'))).toBe(
      'Error from server (NotFound): backups.backup.kylon.io "a23" not found\n',
    );
  });

  it('A24 finalizers hold an object', async () => {
    const { metadata } = await finished('a24');
    const finalizer = 'kylon-e2e.example.test/hold';
    const finalizers = [...((metadata['finalizers'] as string[] | undefined) ?? []), finalizer];
    await kubectl.run(inNs('patch', backups, 'a24', '--type=merge', '-p', JSON.stringify({ metadata: { finalizers } })));
    await kubectl.run(inNs('delete', backups, 'a24', '--wait=false'));
    const held = await eventually(async () => {
      const now = await kubectl.get(backups, 'a24', '-n', ns);
      return (now.metadata['finalizers'] as string[]).length === 1 ? now : undefined;
    });
    expect(held.metadata).toMatchObject({ deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0, finalizers: [finalizer] });
    expect(held.metadata.generation).toBe((metadata.generation ?? 0) + 1);
    await kubectl.run(inNs('patch', backups, 'a24', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]'));
    await gone(kubectl, backups, 'a24', '-n', ns);
  });

  it('A25 delete of many', async () => {
    await Promise.all(['1', '2', '3'].map((n) => create(backup(ns, `a25-${n}`, small, { line: 'a25', n }))));
    await kubectl.run(inNs('delete', backups, '-l', 'line=a25,n=1', '--timeout=30s'));
    await kubectl.run(inNs('delete', backups, '--field-selector', 'metadata.name=a25-2', '--timeout=30s'));
    expect(await kubectl.run(inNs('get', backups, '-l', 'line=a25', '-o', 'name'))).toBe('backup.backup.kylon.io/a25-3\n');
    const collection = await send('DELETE', `${path(ns, 'backups')}?labelSelector=line%3Da25`);
    expect(collection.status).toBe(200);
    await gone(kubectl, backups, 'a25-3', '-n', ns);
    await kubectl.run(inNs('get', backups, 'a8'));
    await kubectl.run(inNs('delete', backups, '--all', '--timeout=60s'));
    expect(await kubectl.list(backups, '-n', ns)).toEqual([]);
  });

  it('A28 a namespace with 50 restores goes within 30 seconds, and takes nothing new while it does', async () => {
    const other = 'kylon-e2e-a28';
    const finalizers = ['kylon-e2e.example.test/hold'];
    const release = () =>
      kubectl.try(['patch', 'configmap', 'holder', '-n', other, '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]']);
    const late = { ...backup(other, ''), metadata: { namespace: other, generateName: 'late-' } };
    await release();
    await kubectl.run(['delete', 'namespace', other, '--ignore-not-found']);
    const holder = configMap(other, 'holder');
    await kubectl.run(['create', '-f', '-'], [namespace(other), { ...holder, metadata: { ...holder.metadata, finalizers } }]);
    await kubectl.run(
      ['create', '-f', '-'],
      Array.from({ length: 50 }, (_, n) => restore(other, `a28-${n}`, 'none')),
    );
    await kubectl.run(['delete', 'namespace', other, '--wait=false']);
    const refused = await eventually(async () => {
      const { code, stderr } = await kubectl.try(['create', '-f', '-'], late);
      return code === 0 ? undefined : stderr;
    });
    expect(refused).toMatch(/\(Forbidden\).*unable to create new content in namespace kylon-e2e-a28 because it is being terminated/);
    await release();
    await kubectl.run(['wait', '--for=delete', `namespace/${other}`, '--timeout=30s']);
  });

  it('A31 can-i and the call agree', async () => {
    const bob = kubectl.as('bob');
    expect((await bob.try(inNs('auth', 'can-i', 'create', 'backups.backup.kylon.io', '--subresource=restore'))).stdout).toBe('no\n');
    expect(await bob.fails(['create', '--raw', path(ns, 'backups/any/restore'), '-f', '-'], '{}')).toMatch(
      /User "bob" cannot create resource "backups\/restore"/,
    );
  });

  it('A32 the exact words of a refusal', async () => {
    expect(await kubectl.as('bob').fails(inNs('get', backups))).toBe(
      `Error from server (Forbidden): backups.backup.kylon.io is forbidden: User "bob" cannot list resource "backups" in API group "backup.kylon.io" in the namespace "${ns}"\n`,
    );
  });

  it('A50 wait for conditions, fields and deletion', async () => {
    await create(backup(ns, 'a50', small));
    await kubectl.run(inNs('wait', '--for=jsonpath={.status.phase}=Completed', `${backups}/a50`, '--timeout=30s'));
    await kubectl.run(inNs('wait', '--for=condition=Complete', `${backups}/a50`, '--timeout=30s'));
    const waiting = kubectl.try(inNs('wait', '--for=delete', `${backups}/a50`, '--timeout=30s'));
    await kubectl.run(inNs('delete', backups, 'a50'));
    expect((await waiting).code).toBe(0);
  });

  it('A51 events, as describe shows them', async () => {
    await finished('a51');
    const events = await eventually(async () => {
      const found = await kubectl.list('events', '-n', ns, '--field-selector', 'involvedObject.kind=Backup,involvedObject.name=a51');
      return found.length > 0 ? found : undefined;
    });
    expect(events[0]).toMatchObject({ involvedObject: { apiVersion, kind: 'Backup', namespace: ns } });
    expect(await kubectl.run(inNs('describe', backups, 'a51'))).toMatch(/Events:\n +Type +Reason/);
  });
});
