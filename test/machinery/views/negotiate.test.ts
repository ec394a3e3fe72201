import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { negotiate } from '../../../src/machinery/views/negotiate.ts';
import type { Shown } from '../../../src/machinery/representation.ts';
import { api, callOf, pages, shown, textOf, thing, things } from '../sample.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
const partial =
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const partialList = partial.replaceAll('Metadata;', 'MetadataList;');
const object = shown(thing('a', { color: 'red', width: 3 }), 7);

const asked = (accept: string, shape: 'object' | 'list' | 'watch' = 'object', query = '', userAgent = 'kubectl') =>
  negotiate(api, callOf({ accept, query: new URLSearchParams(query), userAgent }), shape);
const kindOf = (text: string) => (parse(text) as { kind: string }).kind;

describe('the Accept header', () => {
  it.each([
    ['', 'application/json', 'Thing'],
    ['*/*', 'application/json', 'Thing'],
    ['application/*', 'application/json', 'Thing'],
    ['application/json, */*', 'application/json', 'Thing'],
    ['application/json;charset=utf-8;profile=nopeer;unknown=1', 'application/json', 'Thing'],
    ['application/vnd.kubernetes.protobuf,application/json', 'application/json', 'Thing'],
    ['application/cbor, application/yaml;q=0.9', 'application/yaml', 'Thing'],
    ['application/yaml', 'application/yaml', 'Thing'],
    [table, 'application/json', 'Table'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'application/json', 'Table'],
    ['application/yaml;as=Table;v=v1;g=meta.k8s.io', 'application/yaml', 'Table'],
    ['application/json;as=Table;v=v7;g=meta.k8s.io,application/json', 'application/json', 'Thing'],
    ['application/json;as=Chart;v=v1;g=meta.k8s.io,application/json', 'application/json', 'Thing'],
    ['application/json;as=Table;v=v1;g=other.io,application/json', 'application/json', 'Thing'],
    [partial, 'application/json', 'PartialObjectMetadata'],
  ])('%s', (accept, type, kind) => {
    const representation = asked(accept);
    expect(representation.contentType).toBe(type);
    expect(kindOf(representation.object(things, object))).toBe(kind);
  });

  it.each(['text/html', 'application/vnd.kubernetes.protobuf', 'application/json;as=Table;v=v7;g=meta.k8s.io', 'application/json;q=0'])(
    '%s is refused',
    (accept) => {
      expect(() => asked(accept)).toThrow('only the following media types are accepted: application/json, application/yaml');
    },
  );

  it('has no YAML for watches', () => {
    expect(() => asked('application/yaml', 'watch')).toThrow('only the following media types are accepted: application/json;stream=watch');
    expect(asked('application/yaml, application/json', 'watch').contentType).toBe('application/json');
    expect(asked('application/json;stream=watch', 'watch').contentType).toBe('application/json');
  });

  it.each([
    [partial, 'list', 'you requested PartialObjectMetadata, but the requested object is a list (ThingList)'],
    [partialList, 'object', 'you requested PartialObjectMetadataList, but the requested object is not a list (Thing)'],
    [partialList, 'watch', 'you requested PartialObjectMetadataList, but the requested object is not a list (Thing)'],
  ] as const)('%s of a %s is refused', (accept, shape, message) => {
    expect(() => asked(accept, shape)).toThrow(expect.objectContaining({ code: 406, reason: 'NotAcceptable', message }));
  });
});

describe('a plain object', () => {
  it('is the kept text with its number', () => {
    expect(asked('').object(things, object)).toBe(`${object.json.replace('"metadata":{', '"metadata":{"resourceVersion":"7",')}\n`);
  });

  it.each([
    ['pretty=true', 'kubectl', true],
    ['pretty=1', 'kubectl', true],
    ['pretty=false', 'curl/8', false],
    ['', 'curl/8', true],
    ['', 'Mozilla/5.0 (X11)', true],
    ['', 'kubectl', false],
  ])('?%s from %s is indented: %s', (query, userAgent, indented) => {
    expect(asked('', 'object', query, userAgent).object(things, object).startsWith('{\n  "apiVersion"')).toBe(indented);
  });

  it('is YAML that readers of YAML 1.1 read alike', () => {
    const text = asked('application/yaml').object(things, shown(thing('a', { color: 'yes', other: '012', on: 'x' }), 7));
    expect(text).toContain('color: "yes"');
    expect(parse(text, { version: '1.1' })).toMatchObject({ metadata: { resourceVersion: '7' }, spec: { color: 'yes', other: '012' } });
  });
});

describe('a list', () => {
  const several = () => pages([object, shown(thing('b'), 8)], [], [shown(thing('c'), 9)]);
  const metadata = { resourceVersion: '12', continue: 'more', remainingItemCount: 4 };

  it.each([
    ['', ''],
    ['application/json', 'pretty=true'],
    ['application/yaml', ''],
  ])('as %s ?%s holds all items in order', async (accept, query) => {
    const text = await textOf(asked(accept, 'list', query).list(things, metadata, several()));
    const list = parse(text) as { items: { metadata: object }[] };
    expect(list).toMatchObject({ kind: 'ThingList', apiVersion: 'example.io/v1', metadata });
    expect(list.items.map((item) => item.metadata)).toMatchObject([
      { name: 'a', resourceVersion: '7' },
      { name: 'b', resourceVersion: '8' },
      { name: 'c', resourceVersion: '9' },
    ]);
    if (accept !== 'application/yaml') expect(JSON.parse(text)).toEqual(list);
  });

  it.each([
    ['', ''],
    ['application/json', 'pretty=true'],
    ['application/yaml', ''],
  ])('as %s ?%s may be empty', async (accept, query) => {
    const text = await textOf(asked(accept, 'list', query).list(things, { resourceVersion: '1' }, pages([])));
    expect(parse(text)).toEqual({ kind: 'ThingList', apiVersion: 'example.io/v1', metadata: { resourceVersion: '1' }, items: [] });
  });

  const odd = { json: `{"apiVersion":"example.io/v1","kind":"Thing","metadata":{"name":"a"},"spec":${' '.repeat(1000)}}`, rv: 1 };
  const piecesOf = async (accept: string, pages: AsyncIterable<readonly Shown[]>) => {
    const pieces: (string | Uint8Array)[] = [];
    for await (const piece of asked(accept, 'list').list(things, { resourceVersion: '1' }, pages)) pieces.push(piece);
    return pieces;
  };

  it.each(['', partialList, 'application/json;as=Table;v=v1;g=meta.k8s.io'])(
    'as JSON %s has the same bytes where a page comes again',
    async (accept) => {
      const object = { json: '{"apiVersion":"example.io/v1","kind":"Thing","metadata":{"name":"a"},"spec":{}}', rv: 1 };
      const page = [object, object];
      const bytes = (await piecesOf(accept, pages(page, page))).filter((piece) => piece instanceof Uint8Array);
      const again = (await piecesOf(accept, pages(page, page))).filter((piece) => piece instanceof Uint8Array);
      expect(bytes).toHaveLength(2);
      expect(again.every((piece, index) => piece === bytes[index])).toBe(true);
    },
  );

  it('as JSON is not parsed', async () => {
    const once = await piecesOf('', pages([odd, odd], [odd, odd]));
    expect(once.map(String).join('').split(' '.repeat(1000))).toHaveLength(5);
  });

  it('goes out in pieces of about 64 KiB where it is made anew each time', async () => {
    const large = { json: `{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a","annotations":{"a":"${'x'.repeat(1000)}"}}}`, rv: 1 };
    const pieces = await piecesOf('application/yaml', pages(Array.from({ length: 200 }, () => large)));
    expect(pieces.length).toBe(4);
    expect(pieces.slice(0, -1).every(({ length }) => length >= 65_536 && length < 70_000)).toBe(true);
  });

  it('of metadata alone', async () => {
    const text = await textOf(asked(partialList, 'list').list(things, { resourceVersion: '12' }, several()));
    const list = JSON.parse(text) as { items: object[] };
    expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '12' } });
    expect(list.items[0]).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { ...thing('a').metadata, resourceVersion: '7' },
    });
  });
});

it('metadata alone is all of it', () => {
  const metadata = {
    labels: { a: 'b' },
    annotations: { c: 'd' },
    generation: 3,
    ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'a', uid: 'u', controller: true, blockOwnerDeletion: true }],
    finalizers: ['example.io/f'],
    deletionTimestamp: '2026-03-01T11:59:00Z',
    deletionGracePeriodSeconds: 0,
    managedFields: [{ manager: 'm' }],
  };
  expect(JSON.parse(asked(partial).object(things, shown(thing('a', {}, metadata), 7)))).toEqual({
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { ...thing('a', {}, metadata).metadata, resourceVersion: '7' },
  });
});

describe('a watch', () => {
  const lines = (accept: string) => {
    const writer = asked(accept, 'watch').events(things);
    return [writer.event('ADDED', object), writer.event('DELETED', object), writer.bookmark(9, true), writer.bookmark(10, false)].map(
      String,
    );
  };

  it('writes one line for each event', () => {
    const [added = '', deleted = '', initial = '', bookmark = ''] = lines('*/*');
    for (const line of [added, deleted, initial, bookmark]) expect(line.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(added)).toEqual({
      type: 'ADDED',
      object: { ...thing('a', { color: 'red', width: 3 }), metadata: { ...thing('a').metadata, resourceVersion: '7' } },
    });
    expect(JSON.parse(deleted)).toMatchObject({ type: 'DELETED', object: { kind: 'Thing' } });
    const metadata = { resourceVersion: '9', creationTimestamp: null, annotations: { 'k8s.io/initial-events-end': 'true' } };
    expect(JSON.parse(initial)).toEqual({ type: 'BOOKMARK', object: { kind: 'Thing', apiVersion: 'example.io/v1', metadata } });
    expect(JSON.parse(bookmark)).toEqual({
      type: 'BOOKMARK',
      object: { kind: 'Thing', apiVersion: 'example.io/v1', metadata: { resourceVersion: '10', creationTimestamp: null } },
    });
  });

  it('of metadata alone carries nothing else, in bookmarks neither', () => {
    const objects = lines(partial).map((line) => (JSON.parse(line) as { object: { kind: string; spec?: unknown } }).object);
    expect(objects.map(({ kind }) => kind)).toEqual(Array(4).fill('PartialObjectMetadata'));
    expect(objects.some((object) => 'spec' in object)).toBe(false);
  });

  it('is never indented', () => {
    const writer = asked('', 'watch', 'pretty=true', 'curl/8').events(things);
    expect(String(writer.event('ADDED', object)).trimEnd()).not.toContain('\n');
  });

  it('gets the same bytes as any other that tells of the same change, unless it is a Table', () => {
    const bytesOf = (accept: string) => asked(accept, 'watch').events(things).event('ADDED', object);
    expect(bytesOf('*/*')).toBe(bytesOf('*/*'));
    expect(bytesOf(partial)).toBe(bytesOf(partial));
    expect(bytesOf(table)).not.toBe(bytesOf(table));
  });
});
