/** Restores of Backups whose files in the store are damaged or lost: what is left comes back, and what does not is told. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { Kylon } from './kylon.ts';
import { backups, configMap, ended, path, restore, restores } from './objects.ts';
import { backUp } from './restoring.ts';
import { setUp, tearDown } from './users.ts';

const cluster = findCluster();
const damaged = suite('Restores of damaged Backups', cluster);
/** Enough that the archive has several members. */
const count = 150;

type Edit = (bytes: Buffer) => Uint8Array | undefined;
const lost: Edit = () => undefined;
const half: Edit = (bytes) => bytes.subarray(0, bytes.length >> 1);
const flipped: Edit = (bytes) => {
  bytes[100]! ^= 0x10;
  return bytes;
};

describe(damaged.title, damaged.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const shop = 'kylon-e2e-damage';
  const copies = Array.from({ length: 9 }, (_, n) => `${shop}-${n}`);
  let kylon: Kylon;
  let folder: string;
  let files: ReadonlyMap<string, Buffer>;
  let next = 0;

  beforeAll(async () => {
    kylon = await setUp(kubectl, kubeconfigOf(cluster), [shop, ...copies]);
    const text = (n: number) => Array.from({ length: 60 }, (_, at) => Math.imul(n + 1, 1_664_525 * (at + 1)).toString(36)).join('');
    await kubectl.run(
      ['create', '-f', '-'],
      Array.from({ length: count }, (_, n) => configMap(shop, `c${n}`, { text: text(n) })),
    );
    await backUp(kubectl, shop, 'b');
    const { status = {} } = await kubectl.get(backups, 'b', '-n', shop);
    folder = join(kylon.data, 'store', (status['archive'] as { key: string }).key, '..');
    files = new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]));
  });
  afterAll(async () => {
    await kylon?.discard();
    await tearDown(kubectl, [shop, ...copies]);
  });

  /** Into a namespace of its own, while files of the backup are not what they were. */
  async function restored(harm: Readonly<Record<string, Edit>>) {
    const [copy = '', name] = [copies[next], `r${next++}`];
    for (const [file, edit] of Object.entries(harm)) {
      const bytes = edit(Buffer.from(files.get(file)!));
      if (bytes) writeFileSync(join(folder, file), bytes);
      else rmSync(join(folder, file));
    }
    const spec = { namespaceMapping: { [shop]: copy }, includedResources: ['configmaps'] };
    await kubectl.run(['create', '-f', '-'], restore(shop, name, 'b', spec));
    const { status } = await ended(kubectl, restores, { namespace: shop, name });
    for (const [file, bytes] of files) writeFileSync(join(folder, file), bytes);
    const raw = (rest: string) => kubectl.run(['get', '--raw', path(shop, `restores/${name}/${rest}`)]);
    const made = (await kubectl.list('configmaps', '-n', copy)).filter(({ metadata }) => metadata.name.startsWith('c'));
    return { status, made, raw };
  }

  it.each<[string, Record<string, Edit>]>([
    ['the list of items is lost', { items: lost }],
    ['the list of items is cut', { items: half }],
    ['the manifest is lost', { 'manifest.json': lost }],
    ['both are lost', { items: lost, 'manifest.json': lost }],
  ])('bring all back where %s', async (_, harm) => {
    const { status, made, raw } = await restored(harm);
    expect(status).toMatchObject({ phase: 'Completed', counts: { failed: 0 } });
    expect(made).toHaveLength(count);
    expect(await raw('log')).toMatch(/the archive itself is read, from its first byte to its last/);
  });

  it.each<[string, Edit, RegExp]>([
    ['has a flipped bit', flipped, /archive\.tar\.gz: member at 0/],
    ['is cut', half, /archive\.tar\.gz: it (ends at|has)/],
    ['is lost', lost, /archive\.tar\.gz: it is missing/],
  ])('fail item by item what cannot be read where the archive %s, and bring back the rest', async (_, harm, why) => {
    const { status, made, raw } = await restored({ 'archive.tar.gz': harm });
    expect(status).toMatchObject({ phase: 'PartiallyFailed' });
    const { items } = JSON.parse(await raw('results?outcome=failed&limit=1000')) as { items: { name: string; message: string }[] };
    expect(items.length).toBeGreaterThan(0);
    for (const { message } of items) expect(message).toMatch(why);
    expect(made.length + items.filter(({ name }) => name.startsWith('c')).length).toBe(count);
  });

  it('say how many are lost where the list is lost too', async () => {
    const { status, made, raw } = await restored({ 'archive.tar.gz': flipped, items: lost });
    expect(status).toMatchObject({ phase: 'PartiallyFailed' });
    expect(made.length).toBeGreaterThan(0);
    expect(made.length).toBeLessThan(count);
    expect(await raw('log')).toMatch(/\d+ of the \d+ items of the backup were found in its archive: the others are lost/);
  });

  it('fail where nothing is left', async () => {
    const { status, made } = await restored({ 'archive.tar.gz': lost, 'manifest.json': lost });
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/archive\.tar\.gz: it is missing/) });
    expect(made).toEqual([]);
  });
});
