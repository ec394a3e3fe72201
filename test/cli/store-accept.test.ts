import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anchorFile, fileAnchor } from '../../src/catalog/rollback/file-anchor.ts';
import { storeCommand } from '../../src/cli/store.ts';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { CatalogFixture, domain } from '../catalog/fixture.ts';
import { add, contentOf, segment, signal } from '../catalog/gone-back.ts';
import { parts } from '../objectstore/stores.ts';

let fixture: CatalogFixture;
let store: ObjectStore;
let url: string;
let data: string;
beforeEach(async () => {
  fixture = new CatalogFixture();
  data = await fixture.path('data');
  const folder = await fixture.path('store');
  url = pathToFileURL(folder).href;
  store = await openDirectory(folder, parts);
  const catalog = await open();
  for (const name of ['a', 'b', 'c']) await add(catalog, name);
  await catalog.close();
});
afterEach(() => fixture.destroy());

const anchor = () => fileAnchor(anchorFile(data, store.name, domain));
const open = () => fixture.open(store, { index: 'data/index', anchor: anchor() });

const run = (...args: string[]) => runOn(url, ...args);

async function filesIn(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map(({ name }) => name);
}

async function runOn(url: string, ...args: string[]): Promise<string> {
  const said: string[] = [];
  const command = storeCommand({ ...parts, say: (text) => said.push(text) }).exitOverride();
  await command.parseAsync(['accept-rollback', url, '--domain', domain, ...args], { from: 'user' });
  return said.join('\n');
}

describe('kylon store accept-rollback', () => {
  it('shows what it found, and does nothing before it is told to', async () => {
    await store.delete(segment(2), signal);
    const before = await contentOf(store);
    await expect(run('--data', data)).rejects.toThrow('nothing was changed: stop all replicas, then run this again with --yes');
    expect(await contentOf(store)).toEqual(before);
    expect(await run('--data', data, '--yes')).toBe(
      [
        `Wrong is: ${segment(3)} lies beyond the end of the log.`,
        'The log is whole up to segment 1, resourceVersion 2.',
        'Beyond that, to be moved to lost/: 1 object.',
        `  ${segment(3)}`,
        'Numbers are to go on at 1000000004.',
        'Done. Start the replicas again: clients list and watch anew.',
      ].join('\n'),
    );
    expect(await add(await open(), 'd')).toBe(1_000_000_004);
  });

  it('says when it was done already', async () => {
    await store.delete(segment(3), signal);
    await run('--yes', '--data', data);
    expect(await run()).toBe(
      'The log is whole up to segment 3, resourceVersion 1000000003.\nBeyond that, to be moved to lost/: nothing.\nNumbers have jumped already.',
    );
  });

  it.each([['--yes'], ['--yes', '--data']])('refuses a log with which nothing is wrong: %s', async (...flags) => {
    const before = await contentOf(store);
    const given = flags.includes('--data') ? [...flags, data] : flags;
    await expect(run(...given)).rejects.toThrow('nothing is wrong with this log');
    expect(await contentOf(store)).toEqual(before);
  });

  it('takes a log that has lost its end for whole, unless --data remembers more or it is forced', async () => {
    await store.delete(segment(3), signal);
    await expect(run('--yes')).rejects.toThrow('give the folder of that one by --data');
    await expect(run('--data', data)).rejects.toThrow('nothing was changed');
    await run('--yes', '--force');
    expect(await run('--yes', '--data', data)).toContain('Numbers have jumped already.');
  });

  it('takes an empty place only for an emptied store where that is said, each domain of it', async () => {
    const empty = await fixture.path('empty');
    const other = pathToFileURL(empty).href;
    await expect(runOn(other, '--yes')).rejects.toThrow('there is no such folder, check the path');
    await expect(readdir(empty)).rejects.toThrow('ENOENT');
    await mkdir(empty);
    await expect(runOn(other, '--yes')).rejects.toThrow('if the store was emptied, give --data, or --empty');
    await expect(runOn(other, '--empty')).rejects.toThrow('nothing was changed');
    expect(await filesIn(empty)).toEqual([]);
    await runOn(other, '--yes', '--empty');
    await expect(runOn(other, '--yes', '--domain', 'second')).rejects.toThrow('or --empty');
    await runOn(other, '--yes', '--empty', '--domain', 'second');
    await expect(runOn(other, '--yes', '--empty', '--domain', 'second')).resolves.toContain('Numbers have jumped already.');
    expect((await filesIn(empty)).filter((name) => name.endsWith('.seg'))).toHaveLength(2);
  });

  it('makes the marker of an emptied store', async () => {
    await rm(await fixture.path('store/d'), { recursive: true });
    await store.delete('kylon.json', signal);
    await expect(open()).rejects.toThrow('kylon.json: is missing, but 3 segments were seen here');
    expect(await run('--yes', '--data', data)).toContain('Nothing is left of the log.');
    expect((await open()).current()).toBe(1_000_000_003);
  });

  it('refuses a data folder that does not know the store, and one whose anchor is damaged', async () => {
    const elsewhere = await fixture.path('elsewhere');
    await expect(run('--data', elsewhere)).rejects.toThrow(`--data: there is no folder ${elsewhere}: name that of a replica, or none`);
    await mkdir(elsewhere);
    await expect(run('--data', elsewhere)).rejects.toThrow('--data: there is no anchor of this store and domain');
    const [name = ''] = await readdir(join(data, 'anchor'));
    await cp(join(data, 'index/changes/CURRENT'), join(data, 'anchor', name));
    await expect(run('--data', data)).rejects.toThrow(
      /the anchor .*json, which remembers how far the log was seen, is damaged; mend it, or delete it/,
    );
    await expect(open()).rejects.toThrow('is damaged; mend it');
  });

  it.each(['', '..', 'a/b'])('refuses the domain %j', async (wrong) => {
    await expect(run('--domain', wrong)).rejects.toThrow(`--domain: "${wrong}" is not the uid of a cluster`);
  });
});
