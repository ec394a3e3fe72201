/** A store that the process may not write: what is in it can be looked at and downloaded, and nothing can be changed. */
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { Kylon } from './kylon.ts';
import { backup, backups, complete, path } from './objects.ts';
import { eventually } from './process.ts';

/** Of an ordinary user, where the tests run as one who may do everything. */
const ordinary = process.getuid?.() === 0 ? { uid: 65_534 } : {};

describe('a store that may only be read', () => {
  const store = temporaryFolder();
  const flags = ['--store', pathToFileURL(join(store, 'kylon')).href];
  let kylon: Kylon & { readonly kubeconfig: string };
  let kubectl: Kubectl;

  beforeAll(async () => {
    const writer = await Kylon.playground({ flags });
    const before = new Kubectl(writer.kubeconfig);
    await before.run(['create', '-f', '-'], backup('default', 'kept'));
    await complete(before, backups, { namespace: 'default', name: 'kept' });
    await writer.stop();
    execFileSync('chmod', ['-R', 'a-w,a+rX', store]);
    const data = temporaryFolder();
    if (ordinary.uid !== undefined) chownSync(data, ordinary.uid, ordinary.uid);
    kylon = await Kylon.playground({ data, flags, ...ordinary });
    kubectl = new Kubectl(kylon.kubeconfig);
  });
  afterAll(async () => {
    execFileSync('chmod', ['-R', 'u+w', store]);
    await kylon?.stop();
  });

  it('is said once, at the start', () => {
    expect(kylon.process.stdout.match(/^The store is read-only: file:.*permission denied\.$/gm)).toHaveLength(1);
  });

  it('shows and gives out what it has', async () => {
    expect((await kubectl.get(backups, 'kept', '-n', 'default')).status?.['phase']).toBe('Completed');
    expect(await kubectl.run(['get', '--raw', path('default', 'backups/kept/items')])).toContain('"items"');
  });

  it('refuses every change with the reason, and goes on', async () => {
    const reason = /forbidden: the store is read-only: file:.*permission denied/;
    expect(await kubectl.fails(['create', '-f', '-'], backup('default', 'new'))).toMatch(reason);
    expect(await kubectl.fails(['delete', backups, 'kept', '-n', 'default'])).toMatch(reason);
    expect(await kubectl.fails(['label', backups, 'kept', '-n', 'default', 'a=b'])).toMatch(reason);
    expect((await kubectl.list(backups, '-n', 'default')).map(({ metadata }) => metadata.name)).toEqual(['kept']);
  });

  it('cannot be used where it holds no catalog', async () => {
    const empty = temporaryFolder();
    execFileSync('chmod', ['a-w,a+rX', empty]);
    const data = temporaryFolder();
    if (ordinary.uid !== undefined) chownSync(data, ordinary.uid, ordinary.uid);
    const other = Kylon.launch({ data, flags: ['--store', pathToFileURL(empty).href], ...ordinary });
    await eventually(async () => other.process.ended);
    expect(await other.process.stop()).toBe(1);
    expect(other.process.stderr).toMatch(/^kylon: kylon\.json: is missing in file:.*, and cannot be made there: .*permission denied.*$/m);
  });
});
