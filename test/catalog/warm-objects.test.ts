/** What lists read from memory is what the index has, whatever happens while it is read into memory. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { boundsOf, currentKey } from '../../src/catalog/local-index/index-keys.ts';
import type { Kv, KvOp } from '../../src/catalog/local-index/kv.ts';
import { levelFolder } from '../../src/catalog/local-index/level-kv.ts';
import { WarmObjects } from '../../src/catalog/local-index/warm-objects.ts';
import { CatalogFixture } from './fixture.ts';

const resource = 'backups.example.com';
const put = (name: string, value: string, of = resource): KvOp => ({
  type: 'put',
  key: currentKey({ resource: of, namespace: 'n', name }),
  value: `7\0${value}`,
});
const del = (name: string): KvOp => ({ type: 'del', key: currentKey({ resource, namespace: 'n', name }) });

let fixture: CatalogFixture;
let kv: Kv;
let rv = 1;

beforeEach(async () => {
  fixture = new CatalogFixture();
  kv = await levelFolder(await fixture.path('index')).open();
  await kv.batch([put('a', '1'), put('b', '1'), put('c', '1')]);
});
afterEach(async () => {
  await kv.close();
  await fixture.destroy();
});

/** As the index store does. */
async function write(objects: WarmObjects, ops: readonly KvOp[]): Promise<void> {
  await kv.batch(ops);
  objects.apply(ops, ++rv);
}

function read(objects: WarmObjects): readonly string[] | undefined {
  const kept = objects.at(rv)?.get(resource);
  return kept && [...kept.range({ resource })].flat().map(({ key, json }) => `${key.name}=${json}`);
}

async function inIndex(): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of kv.entries(boundsOf('c', { resource })))
    found.push(...page.map(([key, value]) => `${key.split('\0').at(-1)}=${value.split('\0')[1]}`));
  return found;
}

const kept = (objects: WarmObjects) => expect.poll(() => read(objects)).toBeDefined();

it('are kept from the first list on, with all that is written meanwhile and later', async () => {
  const objects = new WarmObjects(kv, rv);
  expect(read(objects)).toBeUndefined();
  objects.want(resource);
  await write(objects, [put('b', '2'), del('a')]);
  await write(objects, [put('d', '1'), put('d', '2'), put('x', '1', 'restores.example.com')]);
  await kept(objects);
  expect(read(objects)).toEqual(['b=2', 'c=1', 'd=2']);
  await write(objects, [put('a', '3'), del('c'), del('nothing')]);
  expect(read(objects)).toEqual(['a=3', 'b=2', 'd=2']);
  expect(read(objects)).toEqual(await inIndex());
});

it('are true at one number only, and do not change for who has them', async () => {
  const objects = new WarmObjects(kv, rv);
  objects.want(resource);
  await kept(objects);
  const before = objects.at(rv)?.get(resource);
  await write(objects, [del('b')]);
  expect(objects.at(rv - 1)).toBeUndefined();
  expect([...(before?.range({ resource }) ?? [])].flat()).toHaveLength(3);
});

it('are not kept where they do not fit, or do not any more', async () => {
  const large = new WarmObjects(kv, rv, 2);
  large.want(resource);
  const growing = new WarmObjects(kv, rv, 30);
  growing.want(resource);
  await kept(growing);
  expect(read(large)).toBeUndefined();
  await write(growing, [put('e', 'x'.repeat(30))]);
  expect(read(growing)).toBeUndefined();
  growing.want(resource);
  await write(growing, [del('e')]);
  expect(read(growing)).toBeUndefined();
});

it('go their way without an index that can be read', async () => {
  const objects = new WarmObjects(kv, rv);
  objects.want(resource);
  await kv.close();
  objects.want(resource);
  await expect.poll(() => read(objects)).toBeUndefined();
  kv = await levelFolder(await fixture.path('index')).open();
});
