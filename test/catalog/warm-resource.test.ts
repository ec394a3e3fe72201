/** Objects of a resource in memory, against a plain model. */
import { array, assert, constantFrom, integer, nat, oneof, option, property, record, string } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { expect, it } from 'vitest';
import type { WarmChange } from '../../src/catalog/local-index/warm-resource.ts';
import { WarmResource } from '../../src/catalog/local-index/warm-resource.ts';
import type { Stored } from '../../src/machinery/storage.ts';

const resource = 'backups.example.com';
const bytesOf = ({ namespace, name }: { namespace: string; name: string }) => Buffer.from(`${namespace}\0${name}`);
const compare = (a: Stored, b: Stored) => Buffer.compare(bytesOf(a.key), bytesOf(b.key));
const stored = (namespace: string, name: string, json = name): Stored => ({ key: { resource, namespace, name }, rv: 1, json });
const read = (warm: WarmResource, ...args: Parameters<WarmResource['range']>) => [...warm.range(...args)].flat();

/** Few names, so that changes meet; some sort otherwise by their units than by their bytes. */
const part = oneof(constantFrom('', 'a', 'a-b', 'ab', 'b', 'é', '\uffee', '\u{1f600}', 'z'), integer({ max: 40, min: 0 }).map(String));
const key = record({ namespace: part, name: part }).map((parts) => ({ resource, ...parts }));
/** As every object has one. */
const named = key.filter(({ name }) => name !== '');
const change: Arbitrary<WarmChange> = record({ key, json: option(string({ maxLength: 5 }), { nil: undefined }) }).map(({ key, json }) => ({
  key,
  stored: json === undefined ? undefined : { key, rv: 2, json },
}));

it('holds what was put there, in the order of bytes, and what it was before stays', () => {
  assert(
    property(
      array(array(change, { maxLength: 30 }), { maxLength: 8 }),
      option(part),
      option(key),
      nat(60),
      (batches, namespace, after, limit) => {
        const model = new Map<string, Stored>();
        let warm = WarmResource.of([]);
        for (const batch of batches) {
          const [before, old] = [warm, read(warm, { resource })];
          warm = warm.with(batch);
          for (const { key, stored } of batch)
            if (stored) model.set(bytesOf(key).toString(), stored);
            else model.delete(bytesOf(key).toString());
          expect(read(before, { resource })).toEqual(old);
        }
        const all = [...model.values()].toSorted(compare);
        expect(read(warm, { resource })).toEqual(all);
        expect(warm.characters).toBe(all.reduce((sum, { json }) => sum + json.length, 0));
        const wanted = all
          .filter(({ key }) => namespace === null || key.namespace === namespace)
          .filter((one) => after === null || compare(one, { ...one, key: after }) > 0);
        const range = { resource, ...(namespace !== null && { namespace }), ...(after !== null && { after }) };
        expect(read(warm, range, limit)).toEqual(wanted.slice(0, limit));
      },
    ),
    { numRuns: 500 },
  );
});

it('grows and shrinks by thousands', () => {
  const names = Array.from({ length: 5000 }, (_, n) => String((n * 7919) % 5000).padStart(5, '0'));
  const all = names.toSorted().map((name) => stored('n', name));
  let warm = WarmResource.of([all.slice(0, 1000)]);
  for (const name of names) {
    const one = stored('n', name);
    warm = warm.with([{ key: one.key, stored: one }]);
  }
  expect(read(warm, { resource })).toEqual(all);
  expect(read(warm, { resource, namespace: 'n', after: { namespace: 'n', name: '02499' } }, 700)).toEqual(all.slice(2500, 3200));
  warm = warm.with(names.slice(1).map((name) => ({ key: stored('n', name).key, stored: undefined })));
  expect(read(warm, { resource })).toEqual([stored('n', names[0] ?? '')]);
  expect([...warm.with([{ key: stored('n', names[0] ?? '').key, stored: undefined }]).range({ resource })]).toEqual([]);
});

it('hands out no more at a time than a reader can hold, and the same again where nothing has changed', () => {
  const texts = [200_000, 60_000, 10_000, 300_000, 1, 2, 250_000, 20_000].map((length) => 'x'.repeat(length));
  const warm = WarmResource.of([texts.map((text, n) => stored('n', String(n), text))]);
  const pieces = [...warm.range({ resource })];
  expect(pieces.map((piece) => piece.reduce((sum, { json }) => sum + json.length, 0)).filter((length) => length > 256 * 1024)).toEqual([
    300_000,
  ]);
  const [first, again] = [[...warm.range({ resource }, 3)], [...warm.range({ resource }, 3)]];
  expect(first.flat()).toHaveLength(3);
  expect(again.map((piece, index) => piece === first[index])).toEqual(first.map(() => true));
  const last = stored('n', '7', 'y');
  const changed = [...warm.with([{ key: last.key, stored: last }]).range({ resource })];
  expect(changed.map((piece, index) => piece === pieces[index])).toEqual([...pieces.slice(1).map(() => true), false]);
});

it('may be the beginning only: with the index behind it, each range is whole', () => {
  assert(
    property(
      array(named, { maxLength: 20 }),
      array(change, { maxLength: 10 }),
      nat(12),
      option(part),
      option(key),
      (keys, some, ...rest) => {
        const [most, namespace, after] = rest;
        const changes = some.filter(({ key }) => key.name !== '');
        const model = new Map<string, Stored>(keys.map((key) => [bytesOf(key).toString(), { key, rv: 1, json: 'xx' }]));
        const sorted = () => [...model.values()].toSorted(compare);
        const warm = WarmResource.of([sorted()]).within(most).with(changes);
        for (const { key, stored } of changes)
          if (stored) model.set(bytesOf(key).toString(), stored);
          else model.delete(bytesOf(key).toString());
        const inRange = (range: Parameters<WarmResource['range']>[0]) =>
          sorted()
            .filter(({ key }) => range.namespace === undefined || key.namespace === range.namespace)
            .filter((one) => range.after === undefined || compare(one, { ...one, key: { resource, ...range.after } }) > 0);
        const range = { resource, ...(namespace !== null && { namespace }), ...(after !== null && { after }) };
        const behind = warm.beyond(range);
        expect([...read(warm, range), ...(behind ? inRange(behind) : [])]).toEqual(inRange(range));
      },
    ),
    { numRuns: 500 },
  );
});
