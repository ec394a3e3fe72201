import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentKey } from '../../src/catalog/paths.ts';
import { storeCommand } from '../../src/cli/store.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import { CatalogFixture, domain } from '../catalog/fixture.ts';
import { keyLine, keysOf } from '../objectstore/keyrings.ts';
import { parts } from '../objectstore/stores.ts';

const { signal } = new AbortController();
let fixture: CatalogFixture;
let folder: string;
beforeEach(async () => {
  fixture = new CatalogFixture();
  folder = await fixture.path('store');
});
afterEach(() => fixture.destroy());

/** Lines on standard output, and the error if there is one. */
async function orphans(...flags: string[]): Promise<{ readonly said: readonly string[]; readonly error: string | undefined }> {
  const said: string[] = [];
  const command = storeCommand({ ...parts, env: {}, say: (text) => said.push(text) }).exitOverride();
  const error = await command.parseAsync(['orphans', pathToFileURL(folder).href, ...flags], { from: 'user' }).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  return { said, error };
}

/** A Backup with uid `u1` whose run is `r1`. */
async function fill(isEncrypted = false): Promise<void> {
  const bare = await openDirectory(folder, parts);
  const catalog = await fixture.open(isEncrypted ? encrypted(bare, keysOf('one'), parts.ids) : bare, { encrypted: isEncrypted });
  const object = {
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind: 'Backup',
    metadata: { name: 'b', namespace: 'n', uid: 'u1' },
    status: { run: { id: 'r1' } },
  };
  const key = { resource: 'backups.backup.kylon.io', namespace: 'n', name: 'b' };
  await catalog.write({ op: 'create', key, json: JSON.stringify(object) }, signal);
  await catalog.close();
}

async function put(path: string, text = 'x', of = domain): Promise<void> {
  const file = join(folder, 'd', of, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

const filesNow = async () => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

describe('kylon store orphans', () => {
  it('finds none where everything belongs to somebody', async () => {
    await fill();
    await put('backups/u1/r1/manifest.json');
    expect(await orphans()).toEqual({ said: ['Everything belongs to a Backup or a Restore.'], error: undefined });
  });

  it('shows path, size, files and age of what is nobody’s, and removes it only when told to', async () => {
    await fill();
    await put('backups/u1/r1/manifest.json');
    await put('backups/u1/r0/archive.tar.gz', 'x'.repeat(2048));
    await put('backups/u2/r1/archive.tar.gz', 'xyz');
    await put('backups/u2/r1/manifest.json', 'xyz');
    await put('restores/u3/r1/log', 'xyz');
    const before = await filesNow();
    const shown = await orphans('--domain', domain);
    expect(shown).toEqual({
      said: [
        expect.stringMatching(new RegExp(`^  d/${domain}/backups/u1/r0/  2\\.0KiB, 1 file, \\d+s old$`)),
        expect.stringMatching(new RegExp(`^  d/${domain}/backups/u2/  6B, 2 files, \\d+s old, a backup that the catalog does not know$`)),
        expect.stringMatching(new RegExp(`^  d/${domain}/restores/u3/  3B, 1 file, \\d+s old$`)),
        '3 that belong to nobody, 2.0KiB in all',
        'Nothing was removed: --delete removes it.',
      ],
      error: undefined,
    });
    expect(await filesNow()).toBe(before);
    expect((await orphans('--delete')).said.at(-1)).toBe('Removed 3 of 3.');
    expect(await filesNow()).toBe(before - 4);
    expect((await orphans()).said).toEqual(['Everything belongs to a Backup or a Restore.']);
  });

  it('asks for the domain where there are several, and follows no other', async () => {
    await fill();
    await put('backups/u9/r1/log', 'x', 'zone');
    expect((await orphans()).error).toBe(`--domain: name one of ${domain}, zone`);
    expect((await orphans('--domain', 'none')).error).toMatch(/has nothing of none$/);
    expect((await orphans('--domain', domain, '--delete')).said).toEqual(['Everything belongs to a Backup or a Restore.']);
    expect((await orphans('--domain', 'zone', '--delete')).error).toMatch(/has no log of zone: then nobody can say what belongs to whom$/);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['has lost its log', () => rm(join(folder, 'd', domain, 'log'), { recursive: true }), /has no log of/],
    ['has a damaged log', () => writeFile(join(folder, segmentKey(domain, 1)), 'torn'), /the catalog is damaged|is not a segment/],
    ['has lost its marker', () => rm(join(folder, 'kylon.json')), /holds no catalog|kylon\.json/],
  ])('removes nothing from a store that %s, and says why', async (_, harm, why) => {
    await fill();
    await put('backups/u2/r1/log');
    await harm();
    const before = await filesNow();
    const { said, error } = await orphans('--domain', domain, '--delete');
    expect(error).toMatch(why);
    expect(said).toEqual([]);
    expect(await filesNow()).toBe(before);
  });

  it('reads an encrypted store with its keys alone', async () => {
    await fill(true);
    const keys = await fixture.path('keys');
    await writeFile(keys, keyLine('one'), { mode: 0o600 });
    expect((await orphans()).error).toBeDefined();
    expect((await orphans('--encryption-keys', keys)).said).toEqual(['Everything belongs to a Backup or a Restore.']);
  });
});
