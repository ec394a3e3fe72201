/** A directory store that a crash, a copy or a person has left half done. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RolledBack } from '../../src/catalog/rollback/rollback.ts';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { parts, temporaryFolder } from '../objectstore/stores.ts';
import { CatalogFixture, domain } from './fixture.ts';
import { add, segment } from './gone-back.ts';

let fixture: CatalogFixture;
let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  fixture = new CatalogFixture();
  folder = await temporaryFolder();
  store = await openDirectory(folder, parts);
  const catalog = await fixture.open(store, { index: 'kept' });
  for (const name of ['a', 'b', 'c']) await add(catalog, name);
  await catalog.close();
});
afterEach(async () => {
  await fixture.destroy();
  await rm(folder, { recursive: true });
});

const put = async (path: string, text = '') => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};

describe('a directory store', () => {
  it('is not harmed by temporary files, empty folders and files of others', async () => {
    await put('~tmp/0123456789abcdef0123456789abcdef', 'half');
    await mkdir(join(folder, `d/${domain}/ckpt/empty`), { recursive: true });
    await mkdir(join(folder, 'd/another'), { recursive: true });
    await put(`d/${domain}/log/.nfs0001`);
    await put(`d/${domain}/log/README`);
    await put('lost+found/x');
    await put(`d/${domain}/log/00000000000000000004.seg~`, 'half');
    for (const index of ['kept', 'new']) {
      const catalog = await fixture.open(await openDirectory(folder, parts), { index });
      expect(await add(catalog, `${index}-more`)).toBeGreaterThan(4);
      await catalog.close();
    }
  });

  it.each([
    ['', 'is not a segment: it does not begin with KYL1'],
    ['KYL1', 'is cut off in its first bytes'],
  ])('is refused when its newest segment holds %j', async (text, fault) => {
    await put(segment(4), text);
    for (const index of ['kept', 'new']) await expect(fixture.open(store, { index })).rejects.toThrow(`${segment(4)}: ${fault}`);
    await rm(join(folder, segment(4)));
    expect(await add(await fixture.open(store, { index: 'kept' }), 'd')).toBe(5);
  });

  it('is refused when a segment that was seen is empty now', async () => {
    await put(segment(3));
    await expect(fixture.open(store, { index: 'kept' })).rejects.toBeInstanceOf(RolledBack);
    await expect(fixture.open(store)).rejects.toThrow(`${segment(3)}: is not a segment`);
  });

  it('is refused when its marker is empty, or a folder', async () => {
    await put('kylon.json');
    await expect(fixture.open(store)).rejects.toThrow("kylon.json: is not JSON: the store is damaged, or not Kylon's");
    await rm(join(folder, 'kylon.json'));
    await mkdir(join(folder, 'kylon.json'));
    await expect(fixture.open(store)).rejects.toThrow('kylon.json: is missing, but');
  });

  it('is refused when its log is a file', async () => {
    await rm(join(folder, `d/${domain}/log`), { recursive: true });
    await put(`d/${domain}/log`);
    await expect(fixture.open(store, { index: 'kept' })).rejects.toBeInstanceOf(RolledBack);
  });
});
