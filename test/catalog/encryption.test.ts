/** A catalog on a store that encrypts: what lies there, and who can open it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { CatalogFault } from '../../src/catalog/fault.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import type { Keyring } from '../../src/objectstore/encryption/keyring.ts';
import { parseKeyring } from '../../src/objectstore/encryption/keyring.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { collect } from '../conformance/storage-samples.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';
import { keyLine, keysOf } from '../objectstore/keyrings.ts';
import { stores } from '../objectstore/stores.ts';
import { CatalogFixture, domain } from './fixture.ts';

const signal = AbortSignal.any([]);
const resource = 'backups.backup.kylon.io';
const namespace = 'recognizable-namespace';
const keyOf = (name: string) => ({ resource, namespace, name });

function create(name: string) {
  const metadata = { name, namespace, labels: { team: 'recognizable-label' } };
  return {
    op: 'create',
    key: keyOf(name),
    prev: 0,
    json: JSON.stringify({ kind: 'Backup', metadata, spec: { note: 'recognizable-value' } }),
  } as const;
}

describe.each(stores.filter(({ name }) => name === 'memory' || name === 'directory'))('a catalog on the store $name, encrypted', (kind) => {
  let fixture: CatalogFixture;
  let made: StoreUnderTest;
  let bare: ObjectStore;
  beforeEach(async () => {
    fixture = new CatalogFixture();
    made = await kind.create();
    [bare] = made.clients;
  });
  afterEach(async () => {
    await fixture.destroy();
    await made.destroy();
  });

  const open = (keyring: Keyring) => fixture.open(encrypted(bare, keyring, randomIds), { encrypted: true });
  const use = async (keyring: Keyring, ...names: string[]) => {
    const catalog = await open(keyring);
    for (const name of names) await catalog.write(create(name), signal);
    await catalog.close();
  };

  it('shows nothing of what it holds', async () => {
    await use(keysOf('a'), 'recognizable-name-1', 'recognizable-name-2');
    const seen: string[] = [];
    for await (const { key } of bare.list('', signal)) {
      const bytes = Buffer.from(await bare.read(key, signal));
      expect(key + bytes.toString('latin1')).not.toMatch(/recognizable|backup|deflate/);
      seen.push(bytes.toString('latin1', 0, 4));
    }
    expect(seen).toEqual(['KYE1', 'KYE1', '{"fo']);
    const marker = JSON.parse(Buffer.from(await bare.read('kylon.json', signal)).toString()) as unknown;
    expect(marker).toEqual({ format: 1, store: expect.any(String), encryption: 'AES-256-GCM' });
  });

  it('goes over to another key, and reads what the old one wrote', async () => {
    await use(keysOf('a'), 'old');
    const catalog = await open(keysOf('b', 'a'));
    expect((await catalog.get(keyOf('old'), signal))?.rv).toBe(2);
    expect(await catalog.write(create('new'), signal)).toBe(3);
    await catalog.close();
    const again = await open(keysOf('b', 'a'));
    expect(await collect(await again.list({ resource, namespace, at: 'latest' }, signal))).toHaveLength(2);
    await expect(open(keysOf('b'))).rejects.toThrow(
      /log\/0+1\.seg is encrypted with the key "a", which is not among those given \(b\): add it to the file of keys$/,
    );
    await expect(open(keysOf('a'))).rejects.toThrow(/log\/0+2\.seg is encrypted with the key "b"/);
  });

  it('refuses a key of the right name that is another', async () => {
    await use(keysOf('a'), 'x');
    await expect(open(parseKeyring(keyLine('a', 'other'), 'keys'))).rejects.toThrow(
      /seg is damaged or was not written with the key "a" that was given$/,
    );
  });

  it('refuses to be opened without keys', async () => {
    await use(keysOf('a'));
    await expect(fixture.open(bare)).rejects.toThrow(
      `kylon.json: ${bare.name} is encrypted: give the file with its keys by --encryption-keys`,
    );
    await expect(fixture.open(bare)).rejects.toBeInstanceOf(CatalogFault);
  });

  it('refuses to encrypt a store that was used without', async () => {
    const plain = await fixture.open(bare);
    await plain.write(create('x'), signal);
    await expect(open(keysOf('a'))).rejects.toThrow(
      `kylon.json: ${bare.name} is not encrypted, and stays readable to everybody who can read the store: use it without --encryption-keys, or a new one`,
    );
    await plain.write(create('y'), signal);
  });

  it('notices a segment that somebody moved, or put there in the clear', async () => {
    await use(keysOf('a'), 'x', 'y');
    const slot = (n: number) => `d/${domain}/log/${String(n).padStart(20, '0')}.seg`;
    const [first, second] = [await bare.read(slot(1), signal), await bare.read(slot(2), signal)];
    await bare.delete(slot(2), signal);
    await bare.putIfAbsent(slot(2), first, signal);
    await expect(open(keysOf('a'))).rejects.toThrow(/0+2\.seg is damaged/);
    await bare.delete(slot(2), signal);
    await bare.putIfAbsent(slot(2), Buffer.from('KYL1'), signal);
    await expect(open(keysOf('a'))).rejects.toThrow(/0+2\.seg is not encrypted, though this store is/);
    await bare.delete(slot(2), signal);
    await bare.putIfAbsent(slot(2), second, signal);
    await open(keysOf('a'));
  });
});

describe('the marker', () => {
  it('is refused where it names an encryption of later days', async () => {
    const fixture = new CatalogFixture();
    const marker = Buffer.from('{"format":1,"store":"x","encryption":"AES-512"}\n');
    const store = encrypted(memoryStore(new Map([['kylon.json', marker]])), keysOf('a'), randomIds);
    for (const given of [true, false])
      await expect(fixture.open(store, { encrypted: given })).rejects.toThrow(
        'kylon.json: names encryption "AES-512"; this version of Kylon knows AES-256-GCM',
      );
    await fixture.destroy();
  });
});
