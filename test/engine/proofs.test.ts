import { beforeEach, describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { Proofs } from '../../src/engine/proofs.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { forever } from './workbench.ts';

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'kylon-u1', namespace: 'shop', annotations: { a: 'b' } },
};
const key = 'd/domain/proof-key';

describe('a proof that Kylon has made an object', () => {
  let files: Map<string, Uint8Array>;
  let proofs: Proofs;
  const replica = () => new Proofs({ store: memoryStore(files), domain: 'domain', ids: randomIds });
  beforeEach(() => {
    files = new Map();
    proofs = replica();
  });

  it('is known again by every replica, also of those that make the first ones at once', async () => {
    const replicas = Array.from({ length: 5 }, replica);
    const proved = await Promise.all(replicas.map((one) => one.give(claim, 'u1', forever)));
    for (const one of proved) {
      expect(one).toEqual(proved[0]);
      expect(one.metadata['annotations']).toMatchObject({ a: 'b' });
      expect(await replica().proved(one, 'u1', forever)).toBe(one);
    }
    expect([...files.keys()]).toEqual([key]);
  });

  it('holds for this object alone, and for what it was made for', async () => {
    const { metadata, ...rest } = await proofs.give(claim, 'u1', forever);
    const isProved = async (object: object, uid = 'u1') =>
      (await proofs.proved({ ...rest, metadata, ...object }, uid, forever)) !== undefined;
    expect(await isProved({})).toBe(true);
    expect(await isProved({}, 'u2')).toBe(false);
    expect(await isProved({ kind: 'Pod' })).toBe(false);
    expect(await isProved({ metadata: { ...metadata, name: 'kylon-u2' } })).toBe(false);
    expect(await isProved({ metadata: { ...metadata, namespace: 'other' } })).toBe(false);
    for (const proof of ['', 'x', 'A'.repeat(43)])
      expect(await isProved({ metadata: { ...metadata, annotations: { 'backup.kylon.io/proof': proof } } })).toBe(false);
    expect(await proofs.proved(undefined, 'u1', forever)).toBeUndefined();
  });

  it('is not made with a damaged key', async () => {
    files.set(key, Buffer.from('00\n'));
    await expect(proofs.give(claim, 'u1', forever)).rejects.toThrow(`${key} is damaged`);
  });
});
