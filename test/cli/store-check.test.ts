import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeCommand } from '../../src/cli/store.ts';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import { CatalogFixture, domain } from '../catalog/fixture.ts';
import { parts } from '../objectstore/stores.ts';

const { signal } = new AbortController();
let fixture: CatalogFixture;
let folder: string;
beforeEach(async () => {
  fixture = new CatalogFixture();
  folder = await fixture.path('store');
});
afterEach(() => fixture.destroy());

/** Lines on standard output, up to the error if there is one. */
async function check(url = pathToFileURL(folder).href): Promise<{ readonly said: readonly string[]; readonly error: string | undefined }> {
  const said: string[] = [];
  const command = storeCommand({ ...parts, say: (text) => said.push(text) }).exitOverride();
  const error = await command.parseAsync(['check', url], { from: 'user' }).then(
    () => undefined,
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
  );
  return { said, error };
}

/** Three segments. */
async function fill(): Promise<void> {
  const catalog = await fixture.open(await openDirectory(folder, parts));
  for (const name of ['a', 'b', 'c'])
    await catalog.write({ op: 'create', key: { resource: 'things', namespace: 'n', name }, json: '{"a":1}' }, signal);
  await catalog.close();
}

describe('kylon store check', () => {
  it('tells each promise as it is proved, the times, and that there is no catalog', async () => {
    const { said, error } = await check('memory:');
    expect(error).toBeUndefined();
    expect(said.filter((line) => line.startsWith('ok: '))).toHaveLength(7);
    expect(said).toContain('ok: of 8 racing creates of one key exactly one succeeds, 3 times');
    expect(said.slice(7)).toEqual([
      'memory: can be read and written.',
      expect.stringMatching(/^Of 20 requests of 1024 bytes, .* the median is [0-9.]+ ms for a put and [0-9.]+ ms for a get\.$/),
      'It holds no catalog: Kylon makes one at its first start.',
    ]);
  });

  it('tells the format, the domains and their segments, and leaves the store as it was', async () => {
    await fill();
    await (await openDirectory(folder, parts)).putIfAbsent('d/zone/backups/x', new Uint8Array(), signal);
    const before = await readdir(folder, { recursive: true });
    const { said, error } = await check();
    expect(error).toBeUndefined();
    expect(said.slice(-3)).toEqual([
      expect.stringMatching(/^It holds a catalog of format 1, not encrypted; the id of the store is [0-9a-f-]{36}\.$/),
      `  domain ${domain}: segments 1 to 3 without a gap, 0 checkpoints`,
      '  domain zone: no segments, 0 checkpoints',
    ]);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  it('says which segment is missing', async () => {
    await fill();
    await rm(join(folder, 'd', domain, 'log', '00000000000000000002.seg'));
    const { said, error } = await check();
    expect(said.at(-1)).toContain('segments 1 to 3, but 2 is missing');
    expect(error).toMatch(/^segment 2 of domain .* is missing in file:/);
  });

  it('says that the marker is missing', async () => {
    await fill();
    await rm(join(folder, 'kylon.json'));
    expect((await check()).error).toMatch(/^kylon\.json is missing in file:.*, but there is data of 1 domains/);
  });

  it("refuses somebody else's folder, and a URL that names no store", async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.txt'), 'x');
    expect((await check()).error).toMatch(/holds "thesis\.txt", which Kylon has not made/);
    expect((await check('ftp://x/y')).error).toMatch(/has the scheme ftp:; known are/);
  });
});
