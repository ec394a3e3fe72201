/** Every sort of damage, named; and nothing named where there is none. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeFooter, encodeFooter, footerBytes } from '../../../src/engine/archive/items-format.ts';
import type { Block } from '../../../src/engine/archive/items-format.ts';
import type { Manifest } from '../../../src/engine/archive/manifest.ts';
import { tarHeader } from '../../../src/base/tar.ts';
import { Findings } from '../../../src/engine/verify/faults.ts';
import { verifyFolder } from '../../../src/engine/verify/verify-folder.ts';
import type { Verifying } from '../../../src/engine/verify/verify-folder.ts';
import { StoreDamaged, StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { folder, manyItems, never, newItem, openMemory, writeArchive } from '../archive/archives.ts';

const items = manyItems(600);

async function createFolder(content = items) {
  const memory = openMemory();
  const { summary } = await writeArchive(memory.store, content);
  const verify = async (given: Partial<Verifying> = {}) => {
    const findings = new Findings();
    const recorded = { archive: summary, items: summary.items };
    await verifyFolder({ store: memory.store, folder, recorded, findings, report: () => {}, ...given }, never);
    return findings.found;
  };
  const files = (name: string) => memory.objects.get(`${folder}/${name}`)!;
  return { ...memory, summary, verify, files };
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 0x10;
  return bytes;
};
const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);
const fault = (file: string, message: RegExp, item?: string) =>
  expect.objectContaining({ file, message: expect.stringMatching(message), ...(item !== undefined && { item }) });

describe('a folder as it was written', () => {
  it.each([
    ['many', items],
    ['of several resources', [...manyItems(200), ...manyItems(200, { group: 'apps', resource: 'deployments', kind: 'Deployment' })]],
    ['none', []],
    ['a large one', [newItem({ name: 'large', content: 'x'.repeat(3_000_000) }), ...manyItems(3)]],
    ['a long name', [newItem({ name: 'n'.repeat(253), namespace: 'm'.repeat(63) })]],
  ])('has no faults: %s', async (_, content) => {
    const { verify, objects } = await createFolder(content);
    const bytes = [...objects.values()].reduce((sum, file) => sum + file.length, 0);
    expect(await verify()).toEqual({ items: content.length, bytes, faultCount: 0, faults: [] });
  });
});

describe('damage', () => {
  it('of one member loses its items alone, by name', async () => {
    const { verify, change } = await createFolder();
    change('archive.tar.gz', flip(200));
    const { items: sound, faultCount, faults } = await verify();
    expect(faults[0]).toEqual(fault('archive.tar.gz', /^member at 0: /, 'configmaps/namespaces/x/item-00000'));
    expect(sound).toBeGreaterThan(500);
    expect(sound).toBeLessThan(600);
    expect(faultCount).toBe(600 - sound + 1);
  });

  it('of an archive that was cut off is told of what lay behind, and bounded', async () => {
    const { verify, change } = await createFolder(manyItems(3000));
    change('archive.tar.gz', half);
    const { items: sound, faultCount, faults } = await verify();
    expect(sound).toBeGreaterThan(1000);
    expect(faults).toHaveLength(50);
    expect(faultCount).toBeGreaterThanOrEqual(3000 - sound);
    expect(faults[0]).toEqual(fault('archive.tar.gz', /^the file ends in front of it or within$/));
  });

  it.each(['archive.tar.gz', 'items', 'log', 'manifest.json'])('that took %s away is one fault', async (file) => {
    const { verify, objects } = await createFolder();
    objects.delete(`${folder}/${file}`);
    const { faultCount, faults, items: sound } = await verify();
    expect(faults).toEqual([fault(file, /^it is missing$/)]);
    expect(faultCount).toBe(1);
    expect(sound).toBe(file === 'archive.tar.gz' || file === 'items' ? 0 : 600);
  });

  it('of the list of items is told, and what it still names is looked at', async () => {
    const { verify, change } = await createFolder(manyItems(2000));
    change('items', flip(100));
    const { items: sound, faults } = await verify();
    expect(faults).toContainEqual(fault('items', /^block at 0: /));
    expect(faults).toContainEqual(fault('items', /\(sha256\)$/));
    expect(sound).toBeGreaterThan(1000);
    expect(faults.some(({ message }) => message.includes('does not name'))).toBe(false);
  });

  it.each([
    ['its footer', flip(-1), /does not end as an items file does/],
    ['its index', flip(-40), /^index: /],
    ['its second half', half, /./],
  ])('of the list of items: %s', async (_, edit, message) => {
    const { verify, change } = await createFolder();
    change('items', edit);
    const { faults } = await verify();
    expect(faults).toContainEqual(fault('items', message));
    expect(faults.every(({ file }) => file === 'items')).toBe(true);
  });

  it('of the log is told', async () => {
    const { verify, change } = await createFolder();
    change('log', flip(0));
    expect((await verify()).faults).toEqual([fault('log', /\(sha256\)$/)]);
  });

  it('by files that do not belong there is told', async () => {
    const { verify, objects } = await createFolder();
    objects.set(`${folder}/more`, Buffer.from('x'));
    objects.set(`${folder}/deeper/file`, Buffer.from('x'));
    expect((await verify()).faults).toEqual([fault('deeper/file', /does not belong/), fault('more', /does not belong/)]);
  });

  it('is not seen in pieces of a log that are left over, but in what only lies beside them', async () => {
    const { verify, objects } = await createFolder();
    objects.set(`${folder}/live-log/00000001`, Buffer.from('x'));
    objects.set(`${folder}/live-log/1`, Buffer.from('x'));
    expect((await verify()).faults).toEqual([fault('live-log/1', /does not belong/)]);
  });

  it('that the store itself finds costs what lies there alone', async () => {
    const { verify, store, files } = await createFolder(manyItems(3000));
    const size = files('archive.tar.gz').length;
    const broken = Math.floor(size / 2);
    const reading: typeof store = {
      ...store,
      read: async (key, signal, range) => {
        const [start, end] = [range?.start ?? 0, (range?.start ?? 0) + (range?.length ?? Infinity)];
        if (key.endsWith('.gz') && start <= broken && broken < end) throw new StoreDamaged(`${key} is damaged`);
        return store.read(key, signal, range);
      },
    };
    const { items: sound, faults } = await verify({ store: reading });
    expect(sound).toBeGreaterThan(2900);
    expect(sound).toBeLessThan(3000);
    expect(faults[0]).toEqual(fault('archive.tar.gz', /bytes from \d+ on cannot be read: .* is damaged$/));
  });

  it('is not said to be there when the store does not answer', async () => {
    const { verify, store } = await createFolder();
    const away: typeof store = { ...store, read: () => Promise.reject(new StoreUnavailable('no answer')) };
    await expect(verify({ store: away })).rejects.toThrow('no answer');
  });
});

describe('a lie', () => {
  const edit = (change: (manifest: Manifest) => object) => (bytes: Buffer) =>
    Buffer.from(JSON.stringify(change(JSON.parse(bytes.toString()) as Manifest)));

  it('of a manifest about sums and counts is seen', async () => {
    const { verify, change } = await createFolder();
    const zeros = '0'.repeat(64);
    change(
      'manifest.json',
      edit(({ files, ...rest }) => ({
        ...rest,
        files: { ...files, 'archive.tar.gz': { ...files['archive.tar.gz'], sha256: zeros }, log: { bytes: 1, sha256: zeros } },
        items: 599,
        resources: { configmaps: 598, secrets: 1 },
        contentBytes: 1,
      })),
    );
    const { faults } = await verify();
    expect(faults).toEqual([
      fault('manifest.json', /^it names another archive\.tar\.gz \(sha256 0{64}\) than the status of the Backup/),
      fault('manifest.json', /^it counts 599 items, the status of the Backup 600$/),
      fault('log', /^it has \d+ bytes instead of 1$/),
      fault('archive.tar.gz', /\(sha256\)$/),
      fault('items', /^it has 600 configmaps instead of 598$/),
      fault('items', /^it has 0 secrets instead of 1$/),
      fault('items', /bytes of content instead of 1$/),
    ]);
  });

  it.each([
    ['nonsense', half, /not JSON/],
    ['a later version', edit((manifest) => ({ ...manifest, formatVersion: 2 })), /format version 2/],
  ])('that a manifest is %s is told, and the rest is looked at', async (_, change, message) => {
    const folder = await createFolder();
    folder.change('manifest.json', change);
    const found = await folder.verify();
    expect(found.faults).toEqual([fault('manifest.json', message)]);
    expect(found.items).toBe(600);
  });

  it('of a whole other folder, sound in itself, is seen by the record of the catalog', async () => {
    const { verify } = await createFolder(manyItems(3));
    const recorded = { archive: { bytes: 1, sha256: 'f'.repeat(64) }, items: 4 };
    expect((await verify({ recorded })).faults).toEqual([
      fault('manifest.json', /names another/),
      fault('manifest.json', /counts 3 items/),
    ]);
  });

  it('by an entry of the archive that the list does not name is seen, wherever it hides', async () => {
    const evil = Buffer.concat([tarHeader('resources/evil.json', 512), Buffer.alloc(512, 'x')]);
    const appended = await createFolder(manyItems(3));
    appended.change('archive.tar.gz', (bytes) => Buffer.concat([bytes, gzipSync(evil)]));
    expect((await appended.verify()).faults).toContainEqual(fault('archive.tar.gz', /^it has \d+ bytes instead of/));
    const inside = await createFolder([newItem({ name: 'a' }), ...manyItems(300)]);
    inside.change(
      'items',
      rewrite((line) => (line.includes('/a"') ? '' : line)),
    );
    expect((await inside.verify()).faults).toContainEqual(
      fault('archive.tar.gz', /^it holds "resources\/configmaps\/namespaces\/x\/a\.json", which items does not name$/),
    );
  });

  it('by a second entry of the same name, which a tar program would take, is seen', async () => {
    const { verify, change, files } = await createFolder([newItem({ name: 'a' })]);
    const key = 'configmaps/namespaces/x/a';
    const length = Number(/"member":\[0,(\d+)\]/.exec(gunzipSync(files('items').subarray(0, -footerBytes)).toString())?.[1]);
    const evil = Buffer.concat([tarHeader(`resources/${key}.json`, 512), Buffer.alloc(512, 'x')]);
    let grown = 0;
    change('archive.tar.gz', (bytes) => {
      const member = gzipSync(Buffer.concat([gunzipSync(bytes.subarray(0, length)), evil]));
      grown = member.length;
      return Buffer.concat([member, bytes.subarray(length)]);
    });
    change(
      'items',
      rewrite((line) => line.replace(`"member":[0,${length}]`, `"member":[0,${grown}]`)),
    );
    expect((await verify()).faults).toContainEqual(
      fault('archive.tar.gz', /^the entry resources\/.*a\.json of the tar file has other bytes$/, key),
    );
  });

  it('of the list of items about places and hashes is seen', async () => {
    const { verify, change } = await createFolder([
      newItem({ name: 'a' }),
      newItem({ name: 'b' }),
      newItem({ name: 'c' }),
      newItem({ name: 'd' }),
    ]);
    change(
      'items',
      rewrite((line) => {
        if (line.includes('/a"')) return line.replace(/"sha256":"../, '"sha256":"zz');
        if (line.includes('/b"')) return line.replace('/b"', '/bb"');
        return line.includes('/d"') ? line.replace(/"member":\[\d+/, '"member":[999999') : line;
      }),
    );
    const { faults, items: sound } = await verify();
    expect(sound).toBe(1);
    const key = (name: string) => `configmaps/namespaces/x/${name}`;
    expect(faults).toContainEqual(fault('archive.tar.gz', /\(sha256\)$/, key('a')));
    expect(faults).toContainEqual(fault('archive.tar.gz', /has no entry resources\/configmaps\/namespaces\/x\/bb\.json/, key('bb')));
    expect(faults).toContainEqual(fault('archive.tar.gz', /ends in front/, key('d')));
    expect(faults).toContainEqual(fault('archive.tar.gz', /holds "resources\/configmaps\/namespaces\/x\/b\.json"/));
  });

  it.each([
    ['[1]', /names no blocks/],
    ['[null]', /names no blocks/],
    ['{}', /names no blocks/],
  ])('of an index that is %s is told', async (index, message) => {
    const { verify, change } = await createFolder();
    change('items', () => {
      const packed = gzipSync(index);
      return Buffer.concat([packed, encodeFooter({ indexOffset: 0, indexLength: packed.length })]);
    });
    expect((await verify()).faults).toContainEqual(fault('items', message));
  });

  it('of lines that are no items is told', async () => {
    const { verify, change } = await createFolder([newItem({ name: 'a' }), newItem({ name: 'b' })]);
    change(
      'items',
      rewrite((line) => (line.includes('/a"') ? 'null' : line)),
    );
    expect((await verify()).faults).toContainEqual(fault('items', /has lines that are no items/));
  });
});

/** An items file of one block, with other lines; one that becomes empty goes. */
function rewrite(change: (line: string) => string) {
  return (bytes: Buffer): Buffer => {
    const { indexOffset, indexLength } = decodeFooter(bytes.subarray(-footerBytes), bytes.length)!;
    const blocks = JSON.parse(gunzipSync(bytes.subarray(indexOffset, indexOffset + indexLength)).toString()) as Block[];
    let offset = 0;
    const packed = blocks.map((block) => {
      const lines = gunzipSync(bytes.subarray(block.offset, block.offset + block.length))
        .toString()
        .split('\n')
        .slice(0, -1);
      const kept = lines.map(change).filter((line) => line !== '');
      const body = gzipSync(kept.map((line) => `${line}\n`).join(''));
      const made = { ...block, offset, length: body.length, items: kept.length };
      offset += body.length;
      return { body, made };
    });
    const index = gzipSync(JSON.stringify(packed.map(({ made }) => made)));
    return Buffer.concat([...packed.map(({ body }) => body), index, encodeFooter({ indexOffset: offset, indexLength: index.length })]);
  };
}
