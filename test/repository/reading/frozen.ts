/**
 * Repositories that restic 0.14.0 has made of a small tree of odd files, of version 1 and 2, under the password "frozen". Nothing in
 * test/frozen/restic may ever change.
 */
import { createCipheriv, hash, scryptSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { openMasterKey } from '../../../src/repository/reading/master-key.ts';
import { KeptIndexes } from '../../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../../src/repository/reading/open-repositories.ts';

export const never = new AbortController().signal;
export const password = 'frozen';
/** As a namespace has it. */
export const prefix = 'd/domain/volumes/shop/restic/';

/** Of version 2: the tree, a day later, uncompressed, with another hello.txt, and a device; of version 1: a few files of the tree. */
export const snapshots = {
  first: '0214b54dc4e1e4ef5ad8eb5c0e7ab9d0163ceb3be8c697e79001b8f520a927b4',
  second: '02fdb933dfdd0ee2a360b0b200c1f13cb223b5361a0a2db70f018877982e22f3',
  device: '68419c986194fd9e1bb38ce0660382592b5a6f190da6983f3d52feb947f0a649',
  ofVersion1: '6a1636110c0f8be1906dc649eb3de2e58e5ea1b9c5d0652bd4106675cd6ca36e',
};

/** The index file that came with the second snapshot. */
export const indexOfSecond = '7f283a7b256cf1423cac49911bd4ed39a6f32634497df6b2607a0e5ac355ba7c';

/** What lies in the store, by key, as restic has written it. */
export function frozenFiles(version: 'v1' | 'v2' = 'v2'): Map<string, Uint8Array> {
  const folder = join(import.meta.dirname, '../../frozen/restic', version);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const keyOf = (path: string) => prefix + path.slice(folder.length + 1);
  return new Map(files.map(({ parentPath, name }) => [keyOf(join(parentPath, name)), readFileSync(join(parentPath, name))]));
}

/** The same under a key that is opened in no time: that of restic takes half a second. */
export async function quickFiles(version: 'v1' | 'v2' = 'v2'): Promise<Map<string, Uint8Array>> {
  const files = frozenFiles(version);
  const key = Buffer.from(quickKey(await masters[version]()));
  const others = [...files].filter(([name]) => !name.startsWith(`${prefix}keys/`));
  return new Map([...others, [`${prefix}keys/${hash('sha256', key)}`, key]]);
}

const masters = { v1: once(() => masterOf('v1')), v2: once(() => masterOf('v2')) };

const masterOf = (version: 'v1' | 'v2') => openMasterKey({ store: memoryStore(frozenFiles(version)), prefix }, password, never);

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Sealed as restic does it, but for the MAC. */
function quickKey(master: KeyObject): string {
  const salt = Buffer.alloc(64, 1);
  const [cost, iv] = [{ N: 2, r: 1, p: 1 }, Buffer.alloc(16, 2)];
  const cipher = createCipheriv('aes-256-ctr', scryptSync(password, salt, 64, cost).subarray(0, 32), iv);
  const content = cipher.update(JSON.stringify({ encrypt: master.export().toString('base64') }));
  const data = Buffer.concat([iv, content, Buffer.alloc(16)]);
  return JSON.stringify({ kdf: 'scrypt', ...cost, salt: salt.toString('base64'), data: data.toString('base64') });
}

/** The tree of the volume, which lies below a folder of its name. */
export async function openFrozen(
  files: Map<string, Uint8Array>,
  snapshot: string,
  given = password,
  repositories = new OpenRepositories(new KeptIndexes(memoryStore())),
) {
  const location = { store: memoryStore(files), prefix };
  const tree = await repositories.openTree(location, () => Promise.resolve(given), snapshot, never);
  return (await tree.below('volume', never)) ?? expect.fail('no volume');
}

export async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
