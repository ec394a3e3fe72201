import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/objectstore/open.ts';
import { keyLine } from './keyrings.ts';
import { parts, temporaryFolder } from './stores.ts';

const signal = AbortSignal.any([]);

describe('openStore', () => {
  it('opens by URL', async () => {
    const folder = await temporaryFolder();
    const url = pathToFileURL(join(folder, 'a b', 'ü')).href;
    const { store } = await openStore(url, parts, signal);
    await store.putIfAbsent('k', Buffer.from('x'), signal);
    expect(await (await openStore(url, parts, signal)).store.size('k', signal)).toBe(1);
    expect((await openStore('memory:', parts, signal)).store.name).toBe('memory:');
    await rm(folder, { recursive: true });
  });

  it.each([
    ['ftp://user:secret@bucket/x', /^the URL of the object store: unknown scheme ftp, known are file, memory, /],
    ['nonsense', /^the URL of the object store: not a URL such as file:/],
  ])('refuses %s, and tells no secret', async (url, message) => {
    const opening = openStore(url, parts, signal);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.not.toThrow('secret');
  });

  it('encrypts where it is given keys, and refuses keys that it cannot read before it opens anything', async () => {
    const folder = await temporaryFolder();
    const url = pathToFileURL(join(folder, 'store')).href;
    const keys = join(folder, 'keys');
    await expect(openStore(url, { ...parts, encryptionKeys: keys }, signal)).rejects.toThrow(/keys: it does not exist$/);
    expect(existsSync(join(folder, 'store'))).toBe(false);
    await writeFile(keys, keyLine('a'));
    const { store, encrypted } = await openStore(url, { ...parts, encryptionKeys: keys }, signal);
    await store.putIfAbsent('d/k', Buffer.from('x'), signal);
    expect(encrypted).toBe(true);
    expect(await readFile(join(folder, 'store/d/k'), 'latin1')).toMatch(/^KYE1a\0/);
    expect((await openStore(url, parts, signal)).encrypted).toBe(false);
    await rm(folder, { recursive: true });
  });

  it('refuses secrets in a URL, and does not repeat them', async () => {
    const opening = openStore('s3://user:hush@bucket/x', parts, signal);
    await expect(opening).rejects.toThrow('the URL of the object store: it holds a user name or password');
    await expect(opening).rejects.not.toThrow('hush');
  });

  it.each(['file://host/path', 'file:///path?x=1', 'file:///'])('refuses %s', async (url) => {
    await expect(openStore(url, parts, signal)).rejects.toThrow('an absolute path');
  });
});
