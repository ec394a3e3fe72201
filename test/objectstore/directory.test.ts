import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import { StoreDenied, StoreError, StoreFull, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { openStore } from '../../src/objectstore/open.ts';
import { parts, temporaryFolder } from './stores.ts';

const signal = AbortSignal.any([]);
const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the directory store', () => {
  it('is opened while others write', async () => {
    const writer = await openDirectory(folder, parts);
    const state = { done: false };
    const writing = Array.from({ length: 4 }, async (_, w) => {
      for (let n = 0; !state.done; n++) await writer.putIfAbsent(`w${w}/${n}`, Buffer.from('x'), signal);
    });
    for (let n = 0; n < 300; n++) await openDirectory(folder, parts);
    state.done = true;
    await Promise.all(writing);
  });

  it('is closed while others write, and leaves nothing of its own when the last has closed it', async () => {
    const writer = await openDirectory(folder, parts);
    const state = { done: false };
    const writing = Array.from({ length: 4 }, async (_, w) => {
      for (let n = 0; !state.done; n++) await writer.putIfAbsent(`w${w}/${n}`, Buffer.from('x'), signal);
    });
    for (let n = 0; n < 300; n++) await (await openDirectory(folder, parts)).close();
    state.done = true;
    await Promise.all(writing);
    await writer.close();
    expect((await readdir(folder)).toSorted()).toEqual(['w0', 'w1', 'w2', 'w3']);
  });

  it('leaves a plain file under the name of the key, and nothing else', async () => {
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('a/b', Buffer.from('x'), signal);
    expect(await readdir(folder, { recursive: true })).toEqual(expect.arrayContaining(['a', 'a/b', '~tmp']));
    expect(await readdir(join(folder, '~tmp'))).toEqual([]);
  });

  it('removes the folders that a delete leaves empty, never the root', async () => {
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('a/b/c', Buffer.from('x'), signal);
    await store.putIfAbsent('a/d', Buffer.from('x'), signal);
    await store.delete('a/b/c', signal);
    expect(await readdir(join(folder, 'a'))).toEqual(['d']);
    await store.delete('a/d', signal);
    expect(await readdir(folder)).toEqual(['~tmp']);
  });

  it('has nothing to say, and makes nothing, while its folder is gone', async () => {
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('a', Buffer.from('x'), signal);
    await rename(folder, `${folder}.away`);
    for (const asked of [
      () => store.size('b', signal),
      () => store.read('a', signal),
      () => store.putIfAbsent('b', Buffer.from('x'), signal),
      () => store.delete('a', signal),
      () => store.list('', signal)[Symbol.asyncIterator]().next(),
    ])
      await expect(asked()).rejects.toThrow(StoreUnavailable);
    expect(existsSync(folder)).toBe(false);
    await rename(`${folder}.away`, folder);
    expect(await store.size('a', signal)).toBe(1);
  });

  it('does not bring back a folder that goes while it writes', async () => {
    const store = await openDirectory(folder, parts);
    const body = async function* () {
      await rename(folder, `${folder}.away`);
      yield Buffer.from('x');
    };
    await expect(store.upload('new/a', body(), signal)).rejects.toThrow(StoreUnavailable);
    expect(existsSync(folder)).toBe(false);
    await rename(`${folder}.away`, folder);
  });

  it('sweeps old temporary files at open, and never lists any', async () => {
    await mkdir(join(folder, '~tmp'));
    await writeFile(join(folder, '~tmp', 'old'), 'x');
    await writeFile(join(folder, '~tmp', 'new'), 'x');
    const twoDaysAgo = parts.clock.now() / 1000 - 2 * 24 * 3600;
    await utimes(join(folder, '~tmp', 'old'), twoDaysAgo, twoDaysAgo);
    const store = await openDirectory(folder, parts);
    expect(await readdir(join(folder, '~tmp'))).toEqual(['new']);
    for await (const { key } of store.list('', signal)) expect(key).toBeUndefined();
  });

  it('says that a key cannot lie below another', async () => {
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('a/b', Buffer.from('x'), signal);
    await expect(store.putIfAbsent('a', Buffer.from('x'), signal)).rejects.toThrow('there are keys below it');
    await expect(store.putIfAbsent('a/b/c', Buffer.from('x'), signal)).rejects.toBeInstanceOf(StoreError);
    expect(await readdir(join(folder, '~tmp'))).toEqual([]);
  });

  it('names the part of a key that is too long for a file name', async () => {
    const store = await openDirectory(folder, parts);
    await expect(store.putIfAbsent('x'.repeat(300), Buffer.from('x'), signal)).rejects.toThrow('longer than the file system allows');
  });

  it('refuses a path that is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openDirectory(join(folder, 'file'), parts)).rejects.toThrow(/file:.*cannot make the folder: /);
  });

  it('refuses a file system that cannot be written, with path and cause', async () => {
    await expect(openDirectory('/proc/kylon', parts)).rejects.toSatisfy(
      (error) => error instanceof StoreError && error.message.startsWith('file:///proc/kylon: cannot make the folder: '),
    );
  });

  // The superuser may write anywhere, so for him this is skipped.
  it.skipIf(isRoot)('opens a folder that may only be read, and denies every put', async () => {
    await (await openDirectory(folder, parts)).putIfAbsent('before', Buffer.from('x'), signal);
    await rmdir(join(folder, '~tmp'));
    await chmod(folder, 0o500);
    const store = await openDirectory(folder, parts);
    await expect(store.putIfAbsent('k', Buffer.from('x'), signal)).rejects.toBeInstanceOf(StoreDenied);
    expect(await store.size('before', signal)).toBe(1);
    await chmod(folder, 0o700);
    expect(await store.putIfAbsent('k', Buffer.from('x'), signal)).toBe('created');
  });
});

/** Only the superuser may mount, and not in every container. */
function mounted(...args: string[]): boolean {
  try {
    execFileSync('/bin/mount', [...args, folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// Skipped where nothing can be mounted.
describe.runIf(isRoot && existsSync('/proc/mounts'))('the directory store on a mounted file system', () => {
  afterEach(() => {
    try {
      execFileSync('/bin/umount', [folder], { stdio: 'ignore' });
    } catch {
      // Was not mounted.
    }
  });

  it('says that it is full, stores nothing, and goes on when there is room', async (context) => {
    if (!mounted('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')) context.skip('mount is not allowed here');
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('small', new Uint8Array(300_000), signal);
    await expect(store.putIfAbsent('big', new Uint8Array(2_000_000), signal)).rejects.toSatisfy(
      (error) => error instanceof StoreFull && error.message.includes('big') && error.message.includes('no space left'),
    );
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20; i++) yield new Uint8Array(100_000);
    }
    await expect(store.upload('upload', source(), signal)).rejects.toBeInstanceOf(StoreFull);
    expect(await store.size('big', signal)).toBeUndefined();
    expect(await readdir(join(folder, '~tmp'))).toEqual([]);
    expect(await store.putIfAbsent('other', new Uint8Array(300_000), signal)).toBe('created');
  });

  it('says that it may not write when the file system is read-only', async (context) => {
    if (!mounted('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')) context.skip('mount is not allowed here');
    const store = await openDirectory(folder, parts);
    await store.putIfAbsent('before', Buffer.from('x'), signal);
    execFileSync('/bin/mount', ['-o', 'remount,ro', folder]);
    await expect(store.putIfAbsent('k', Buffer.from('x'), signal)).rejects.toBeInstanceOf(StoreDenied);
    const again = await openStore(pathToFileURL(folder).href, parts, signal);
    expect(again.readOnly).toMatch(/^file:\/\/.*: cannot write probe\/.*: the file system is read-only$/);
    expect(await again.store.size('before', signal)).toBe(1);
    await expect(again.store.putIfAbsent('k', Buffer.from('x'), signal)).rejects.toBeInstanceOf(StoreDenied);
    await expect(openDirectory(join(folder, 'none'), parts)).rejects.toThrow('none: cannot make the folder: the file system is read-only');
    expect(await store.size('before', signal)).toBe(1);
  });
});

it.each(['file:tmp/x', 'file:./x', 'file://tmp/x', 'file:///..', 'file:///tmp/x#y'])('shows %s as it was typed', async (url) => {
  const shown = url.replace('#y', '');
  await expect(openStore(url, parts, signal)).rejects.toThrow(`: ${shown}: a directory is named by file:///PATH, an absolute path`);
});

it('does not repeat what stands behind a question mark, and explains a stray %', async () => {
  const refusal = (url: string) => openStore(url, parts, signal).catch(String);
  expect(await refusal('file:///tmp/x?sig=hidden')).toContain('file:///tmp/x: a directory is named by file:///PATH');
  expect(await refusal('file:///tmp/x?sig=hidden')).not.toContain('hidden');
  expect(await refusal('file:///tmp/nc%2Gx')).toContain('file:///tmp/nc%2Gx: a % stands before two hexadecimal digits');
});
