/** What a client sees when it patches. */
import { describe, expect, it } from 'vitest';
import { StorageConflict } from '../../../src/machinery/storage.ts';
import { nth } from '../../conformance/storage-samples.ts';
import { createServer, thingPath } from '../toys.ts';

const jsonType = 'application/json-patch+json';

async function serverWith(given: Parameters<typeof createServer>[0] = {}) {
  const server = createServer(given);
  const { object } = await server.request('POST', thingPath, { body: { metadata: { name: 'x', labels: { a: '1' } }, spec: { size: 1 } } });
  const merge = (body: unknown, query = '') => server.request('PATCH', `${thingPath}/x${query}`, { body });
  const json = (body: unknown, query = '') => server.request('PATCH', `${thingPath}/x${query}`, { body, type: jsonType });
  return { ...server, object, merge, json };
}

describe('merge patch', () => {
  it('sets, and deletes by null', async () => {
    const { merge } = await serverWith();
    const { code, object } = await merge({ metadata: { labels: { a: null, b: '2' } }, spec: { size: 2 } });
    expect(code).toBe(200);
    expect(object).toMatchObject({ metadata: { labels: { b: '2' }, generation: 2 }, spec: { size: 2, mode: 'Fast' } });
    expect(object.metadata.labels).not.toHaveProperty('a');
  });

  it('that changes nothing keeps the resourceVersion', async () => {
    const { merge, object, storage } = await serverWith();
    expect((await merge({ spec: { size: 1 } })).object.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    expect(storage.current()).toBe(nth(1));
  });

  it('takes resourceVersion and uid as preconditions', async () => {
    const { merge, object } = await serverWith();
    expect((await merge({ metadata: { resourceVersion: '7', labels: { b: '1' } } })).status).toMatchObject({
      code: 409,
      reason: 'Conflict',
    });
    expect((await merge({ metadata: { uid: 'other', labels: { b: '1' } } })).status).toMatchObject({ code: 409, reason: 'Conflict' });
    const { uid, resourceVersion } = object.metadata;
    expect((await merge({ metadata: { uid, resourceVersion, labels: { b: '1' } } })).code).toBe(200);
  });

  it('without resourceVersion never ends in a conflict, however many there are', async () => {
    const { merge, request, storage } = await serverWith();
    storage.beforeWrite = () => new Promise((resolve) => setImmediate(resolve));
    const codes = await Promise.all(Array.from({ length: 20 }, (_, n) => merge({ metadata: { labels: { [`n${n}`]: 'x' } } })));
    expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([200]));
    expect(Object.keys((await request('GET', `${thingPath}/x`)).object.metadata.labels ?? {})).toHaveLength(21);
  });

  it('is tried again when another process was faster, six times in all', async () => {
    const { merge, storage } = await serverWith();
    let writes = 0;
    storage.beforeWrite = () => {
      writes += 1;
      if (writes <= 5) throw new StorageConflict('faster');
    };
    expect((await merge({ spec: { size: 2 } })).code).toBe(200);
    expect(writes).toBe(6);
    storage.beforeWrite = () => {
      throw new StorageConflict('always faster');
    };
    expect((await merge({ spec: { size: 3 } })).code).toBe(409);
  });

  it.each([
    [{ kind: 'Other' }, 'the kind in the data (Other) does not match the expected kind (Thing)'],
    [{ apiVersion: 'v9' }, 'the API version in the data (v9) does not match the expected API version (example.io/v1)'],
    [{ metadata: { name: 'y' } }, 'the name of the object (y) does not match the name on the URL (x)'],
    [[], 'error decoding patch: a JSON merge patch is an object'],
    ['{"a":', /^error decoding patch: json parse error: .*position 5/],
  ])('%j is refused with 400', async (body, message) => {
    const { merge } = await serverWith();
    const { status } = await merge(body);
    expect(status.code).toBe(400);
    expect(status.message).toMatch(message);
  });

  it('is validated, and its unknown fields refused under Strict', async () => {
    const { merge } = await serverWith();
    expect((await merge({ spec: { size: 99 } })).code).toBe(422);
    expect((await merge({ spec: { x: 1 } }, '?fieldValidation=Strict')).status.message).toContain(
      'strict decoding error: unknown field "spec.x"',
    );
    const { warnings, object } = await merge({ spec: { x: 1, size: 2 } });
    expect([warnings, object.spec]).toEqual([['unknown field "spec.x"'], { size: 2, mode: 'Fast' }]);
  });

  it('of what is not there is 404', async () => {
    const { request } = await serverWith();
    expect((await request('PATCH', `${thingPath}/y`, { body: {} })).code).toBe(404);
  });

  it('of the status changes the status alone', async () => {
    const { merge } = await serverWith();
    const { object } = await merge({ spec: { size: 5 }, status: { phase: 'Ready' } }, '/status');
    expect(object).toMatchObject({ spec: { size: 1 }, status: { phase: 'Ready' }, metadata: { generation: 1 } });
    expect((await merge({ status: { phase: 'mine' } })).object.status).toEqual({ phase: 'Ready' });
  });

  it('that takes the last finalizer off an object that is going deletes it', async () => {
    const { merge, request } = await serverWith();
    await merge({ metadata: { finalizers: ['example.io/f'] } });
    await request('DELETE', `${thingPath}/x`);
    expect((await merge({ metadata: { finalizers: null } })).code).toBe(200);
    expect((await request('GET', `${thingPath}/x`)).code).toBe(404);
  });

  it('may not be forced, and stores nothing under dryRun', async () => {
    const { merge, storage } = await serverWith();
    expect((await merge({}, '?force=true')).status.message).toContain('force: Forbidden: may not be specified for non-apply patch');
    expect((await merge({ spec: { size: 4 } }, '?dryRun=All')).object.spec).toMatchObject({ size: 4 });
    expect(storage.current()).toBe(nth(1));
  });
});

describe('JSON patch', () => {
  it('does its operations in order', async () => {
    const { json } = await serverWith();
    const { code, object } = await json([
      { op: 'test', path: '/spec/size', value: 1 },
      { op: 'add', path: '/spec/items', value: [{ name: 'b' }] },
      { op: 'add', path: '/spec/items/0', value: { name: 'a' } },
      { op: 'copy', from: '/spec/items/1', path: '/spec/items/-' },
      { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/moved~1here' },
      { op: 'replace', path: '/spec/size', value: 3 },
    ]);
    expect(code).toBe(200);
    expect(object.spec).toEqual({ size: 3, mode: 'Fast', items: [{ name: 'a' }, { name: 'b' }, { name: 'b' }] });
    expect(object.metadata.labels).toEqual({ 'moved/here': '1' });
  });

  it('replaces a field that is not there yet, as kube-apiserver does', async () => {
    const { json } = await serverWith();
    expect((await json([{ op: 'replace', path: '/spec/code', value: 'ab' }])).object.spec).toEqual({ size: 1, mode: 'Fast', code: 'ab' });
  });

  it('takes null for a field that is not there in a test, as kube-apiserver does', async () => {
    const { json } = await serverWith();
    const test = (path: string) => json([{ op: 'test', path, value: null }]);
    expect((await test('/spec/code')).code).toBe(200);
    expect((await test('/spec/size')).code).toBe(422);
    expect((await test('/spec/code/more')).code).toBe(422);
    expect((await test('/metadata/finalizers/0')).code).toBe(422);
  });

  it.each([
    [[{ op: 'test', path: '/spec/size', value: 2 }], /operation 0: test \/spec\/size/],
    [[{ op: 'remove', path: '/spec/nope' }], /doc is missing path/],
    [[{ op: 'replace', path: '/spec/nope/more', value: 1 }], /doc is missing path/],
    [
      [
        { op: 'add', path: '/spec/items', value: [] },
        { op: 'replace', path: '/spec/items/0', value: 1 },
      ],
      /doc is missing path/,
    ],
    [[{ op: 'remove', path: '/toString' }], /doc is missing path/],
    [[{ op: 'remove', path: '' }], /cannot be removed/],
    [[{ op: 'add', path: '/no/where', value: 1 }], /doc is missing path/],
    [[{ op: 'add', path: '/spec/size/x', value: 1 }], /no object or list/],
    [[{ op: 'copy', from: '/nope', path: '/spec/free' }], /doc is missing path/],
    [[{ op: 'move', from: '/spec', path: '/spec/free' }], /into itself/],
    [[{ op: 'add', path: '/__proto__/polluted', value: 1 }], /doc is missing path/],
    [[{ op: 'add', path: '/metadata/__proto__', value: { polluted: 1 } }], /__proto__/],
    [
      [
        { op: 'add', path: '/spec/items', value: [] },
        { op: 'add', path: '/spec/items/5', value: 1 },
      ],
      /5 is no index of a list of 0/,
    ],
  ])('%j cannot be done: 422, and nothing is changed', async (body, message) => {
    const { json, storage } = await serverWith();
    const { status } = await json(body);
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(status.message).toMatch(message);
    expect(storage.current()).toBe(nth(1));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    [{ op: 'add' }],
    [[5]],
    [[null]],
    [[{ op: '_get', path: '/spec' }]],
    [[{ op: 'toString', path: '/spec' }]],
    [[{ op: 'add', path: 'spec', value: 1 }]],
    [[{ op: 'add', path: '/spec' }]],
    [[{ op: 'move', path: '/spec' }]],
    [[{ op: 'replace', path: '', value: [] }]],
  ])('%j is none: 400', async (body) => {
    const { json } = await serverWith();
    expect((await json(body)).status).toMatchObject({ code: 400, reason: 'BadRequest' });
  });

  it('has a bound: 10000 operations, and 3 MiB copied', async () => {
    const { json } = await serverWith();
    const test = { op: 'test', path: '/spec/size', value: 1 };
    expect((await json(Array.from({ length: 10_000 }, () => test))).code).toBe(200);
    expect((await json(Array.from({ length: 10_001 }, () => test))).status).toMatchObject({
      code: 413,
      message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    });
    const doubling = Array.from({ length: 40 }, (_, n) => ({ op: 'copy', from: '/spec/free', path: `/spec/free/c${n}` }));
    expect((await json([{ op: 'add', path: '/spec/free', value: { a: 'x'.repeat(1000) } }, ...doubling])).code).toBe(413);
  });
});

describe('patches of other types', () => {
  it.each(['application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/json', ''])('%s: 415', async (type) => {
    const { request } = await serverWith();
    expect((await request('PATCH', `${thingPath}/x`, { body: {}, type })).status).toMatchObject({
      code: 415,
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json',
    });
  });
});
