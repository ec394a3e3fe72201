/** What lists read from memory is what the index has, whatever happens while it is read into memory. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { boundsOf, currentKey } from '../../src/catalog/local-index/index-keys.ts';
import type { KeyRange } from '../../src/catalog/local-index/index-keys.ts';
import { IndexView } from '../../src/catalog/local-index/index-view.ts';
import type { Kv, KvOp } from '../../src/catalog/local-index/kv.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { WarmObjects } from '../../src/catalog/local-index/warm-objects.ts';
import { firstHead } from '../../src/catalog/state/apply.ts';
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
  kv = await indexHome(await fixture.path('index')).open();
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

it('are kept as far as they fit, in pieces; what lies behind is not', async () => {
  const text = 'x'.repeat(200_000);
  await kv.batch(['a', 'b', 'c'].map((name) => put(name, text)));
  const none = new WarmObjects(kv, rv, 0);
  const two = new WarmObjects(kv, rv, 400_000);
  for (const objects of [none, two]) objects.want(resource);
  await kept(none);
  await kept(two);
  const names = (objects: WarmObjects) => read(objects)?.map((line) => line.split('=')[0]);
  expect([names(none), names(two)]).toEqual([[], ['a', 'b']]);
  await write(two, [put('aa', text), put('c', '2'), put('d', '1')]);
  expect(names(two)).toEqual(['a', 'aa']);
  await write(two, [del('a'), put('ab', '1'), put('b', '2')]);
  expect(names(two)).toEqual(['aa']);
});

it.each([0, 300_000, 1_000_000])('make no difference to who reads the index, with room for %d characters', async (most) => {
  const all = ['a', 'b', 'c', 'd', 'e'];
  await kv.batch(all.map((name) => put(name, 'x'.repeat(100_000))));
  const objects = new WarmObjects(kv, firstHead.rv, most);
  objects.want(resource);
  await expect.poll(() => objects.at(firstHead.rv)?.get(resource)).toBeDefined();
  const view = new IndexView(kv, objects);
  const names = async (range: Omit<KeyRange, 'resource'>, limit?: number) => {
    const found: string[] = [];
    for await (const page of view.scan({ resource, ...range }, limit)) found.push(...page.map(({ key }) => key.name));
    return found;
  };
  expect(await names({})).toEqual(all);
  expect(await names({ namespace: 'n' }, 3)).toEqual(['a', 'b', 'c']);
  expect(await names({ after: { namespace: 'n', name: 'a' } }, 3)).toEqual(['b', 'c', 'd']);
  expect(await names({ namespace: 'n', after: { namespace: 'n', name: 'd' } })).toEqual(['e']);
  expect([await names({ namespace: 'm' }), await names({ namespace: 'o' }), await names({}, 0)]).toEqual([[], [], []]);
  expect(await view.count({ resource, after: { namespace: 'n', name: 'a' } }, 100)).toBe(4);
  expect([4, Number.POSITIVE_INFINITY]).toContain(await view.count({ resource, after: { namespace: 'n', name: 'a' } }, 3));
  await view.close();
});

it('share the room with those of other resources', async () => {
  const other = 'restores.example.com';
  await kv.batch([put('x', '123', other), put('y', '4', other)]);
  const objects = new WarmObjects(kv, rv, 5);
  objects.want(resource);
  await kept(objects);
  objects.want(other);
  await expect.poll(() => objects.at(rv)?.get(other)?.characters).toBe(0);
  expect(objects.at(rv)?.get(other)?.beyond({ resource: other })).toMatchObject({ after: { namespace: '', name: '' } });
  expect(read(objects)).toEqual(['a=1', 'b=1', 'c=1']);
});

it('go their way without an index that can be read', async () => {
  const objects = new WarmObjects(kv, rv);
  objects.want(resource);
  await kv.close();
  objects.want(resource);
  await expect.poll(() => read(objects)).toBeUndefined();
  kv = await indexHome(await fixture.path('index')).open();
});
