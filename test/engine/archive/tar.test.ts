import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { endOfTar, paddingOf, tarHeader } from '../../../src/base/tar.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { bytesOf, collect, manyItems, never, newItem, writeArchive } from './archives.ts';

interface Unpacked {
  readonly path: string;
  readonly text: string;
}

function pack(entries: readonly Unpacked[]): Buffer {
  const parts = entries.flatMap(({ path, text }) => {
    const content = Buffer.from(text);
    return [tarHeader(path, content.length), content, new Uint8Array(paddingOf(content.length))];
  });
  return Buffer.concat([...parts, endOfTar]);
}

async function unpack(tar: Buffer): Promise<Unpacked[]> {
  const found: Unpacked[] = [];
  for await (const entry of Readable.from([tar]).pipe(extract()))
    found.push({ path: entry.header.name, text: Buffer.concat(await collect(entry as AsyncIterable<Uint8Array>)).toString() });
  return found;
}

const gnuNames = (tar: Buffer) =>
  execFileSync('tar', ['--quoting-style=literal', '-tf', '-'], { input: tar, env: { ...process.env, LC_ALL: 'C.UTF-8' } })
    .toString()
    .split('\n')
    .slice(0, -1);

const path = fc
  .array(fc.string({ minLength: 1, maxLength: 130, unit: fc.constantFrom('a', 'b', '.', '-', 'ü', '日', '😀') }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => `x${parts.join('/x')}`);

describe('tar', () => {
  it('is read by tar-stream as it was written', async () => {
    const entries = fc.array(fc.record({ path, text: fc.string({ maxLength: 1500 }) }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(entries, async (entries) => {
        expect(await unpack(pack(entries))).toEqual(entries);
      }),
    );
  });

  it('is read by GNU tar, at every length of a name', () => {
    const lengths = [1, 99, 100, 101, 155, 156, 200, 254, 255, 256, 257, 300, 1000];
    const shapes = (length: number) => [
      'p'.repeat(length),
      `${'d/'.repeat(length).slice(0, length - 1)}e`,
      `${'d'.repeat(60)}/${'n'.repeat(length)}`,
    ];
    const names = [...lengths.flatMap(shapes), 'resources/x/cluster/ü日😀.json'];
    expect(gnuNames(pack(names.map((path) => ({ path, text: 'x' }))))).toEqual(names);
  });

  it('is what an archive is, laid out by resource and namespace', async () => {
    const items = [
      ...manyItems(100, { group: 'apps', resource: 'deployments' }),
      newItem({ resource: 'namespaces', namespace: '', name: 'foo' }),
      newItem({ group: 'g'.repeat(200), resource: 'things', name: 'n'.repeat(250) }),
    ];
    const reader = await writeArchive(memoryStore(), items);
    const tar = gunzipSync(Buffer.concat(await collect(await reader.stream(undefined, never))));
    const found = await unpack(tar);
    expect(found.map(({ text }) => text)).toEqual(items.map((item) => bytesOf(item).toString()));
    expect(gnuNames(tar)).toEqual(found.map(({ path }) => path));
    expect(found[0]?.path).toBe('resources/deployments.apps/namespaces/x/item-00000.json');
    expect(found[100]?.path).toBe('resources/namespaces/cluster/foo.json');
    expect(found[101]?.path).toBe(`resources/things.${'g'.repeat(200)}/namespaces/x/${'n'.repeat(250)}.json`);
  });
});
