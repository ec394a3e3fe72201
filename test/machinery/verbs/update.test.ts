/** What a client sees when it replaces an object or its status. */
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { StorageReadOnly, StorageUnavailable, StorageUnknown } from '../../../src/machinery/storage.ts';
import { nth } from '../../conformance/storage-samples.ts';
import { createServer, thingPath } from '../toys.ts';

async function serverWith(given: Parameters<typeof createServer>[0] = {}, metadata: object = {}) {
  const server = createServer(given);
  const { object } = await server.request('POST', thingPath, { body: { metadata: { name: 'x', ...metadata }, spec: { size: 1 } } });
  const put = (body: object, path = `${thingPath}/x`) => server.request('PUT', path, { body });
  return { ...server, object, put };
}

const changed = (object: KubeObject, spec: object): KubeObject => ({ ...object, spec });

describe('update', () => {
  it('replaces what is the client’s, keeps what is the server’s, and counts', async () => {
    const { object, put } = await serverWith();
    const { code, object: next } = await put({
      ...changed(object, { size: 2 }),
      metadata: {
        name: 'x',
        labels: { a: 'b' },
        creationTimestamp: '1999-01-01T00:00:00Z',
        generation: 99,
        deletionTimestamp: '1999-01-01T00:00:00Z',
      },
      status: { phase: 'mine' },
    });
    expect(code).toBe(200);
    expect(next.metadata).toEqual({ ...object.metadata, labels: { a: 'b' }, generation: 2, resourceVersion: String(nth(2)) });
    expect(next.status).toBeUndefined();
    expect(next.spec).toEqual({ size: 2, mode: 'Fast' });
  });

  it('keeps the generation when only metadata changes', async () => {
    const { object, put } = await serverWith();
    const { object: next } = await put({ ...object, metadata: { ...object.metadata, annotations: { a: 'b' } } });
    expect(next.metadata).toMatchObject({ generation: 1, resourceVersion: String(nth(2)) });
  });

  it('writes nothing when nothing changes, whatever the order of fields', async () => {
    const { object, put, storage } = await serverWith();
    const { object: same } = await put({ spec: { mode: 'Fast', size: 1 }, metadata: { name: 'x' }, kind: 'Thing' });
    expect(same.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    expect(storage.current()).toBe(nth(1));
  });

  it('keeps every digit of whole numbers beyond 2^53, and tells them apart', async () => {
    const { request } = createServer();
    const body = (id: string) => `{"metadata":{"name":"big"},"spec":{"free":{"id":${id}}}}`;
    expect((await request('POST', thingPath, { body: body('9007199254740993') })).text).toContain('"id":9007199254740993}');
    const yaml = 'metadata: {name: yaml}\nspec: {free: {id: 9007199254740993}}';
    expect((await request('POST', thingPath, { body: yaml, type: 'application/yaml' })).text).toContain('"id":9007199254740993}');
    const put = await request('PUT', `${thingPath}/big`, { body: body('9007199254740992') });
    expect(put.text).toContain('"id":9007199254740992}');
    expect(put.object.metadata.resourceVersion).toBe(String(nth(3)));
    const copy = [{ op: 'copy', from: '/spec/free', path: '/spec/free/copy' }];
    const patched = await request('PATCH', `${thingPath}/yaml`, { body: copy, type: 'application/json-patch+json' });
    expect(patched.text).toContain('"free":{"id":9007199254740993,"copy":{"id":9007199254740993}}');
    for (const [path, accept] of [
      [`${thingPath}/yaml?pretty=true`, 'application/json'],
      [`${thingPath}/yaml`, 'application/yaml'],
      [`${thingPath}?includeObject=Object`, 'application/json;as=Table;g=meta.k8s.io;v=v1'],
    ] as const)
      expect((await request('GET', path, { accept })).text).toMatch(/id"?: ?9007199254740993\b/);
  });

  it('names a whole number beyond 2^53 where there may be none', async () => {
    const { request } = createServer();
    const refused = async (body: string) => (await request('POST', thingPath, { body })).status.message;
    expect(await refused('{"metadata":{"name":"x"},"spec":{"size":9007199254740993}}')).toContain('spec.size: Invalid value');
    expect(await refused('{"metadata":{"name":"x"},"spec":{"items":[{"name":9007199254740993}]}}')).toContain(
      'spec.items[0].name: Invalid value',
    );
    expect(await refused('{"apiVersion":9007199254740993}')).toContain('the API version in the data (9007199254740993)');
    expect(await refused('{"metadata":{"name":9007199254740993}}')).toContain('must be of type string');
    expect(await refused('{"metadata":{"name":"x","labels":9007199254740993}}')).toContain('metadata.labels');
    expect(await refused('9007199254740993')).toContain('it is not a JSON object');
  });

  it('refuses a stale resourceVersion and another uid with 409', async () => {
    const { object, put } = await serverWith();
    await put(changed(object, { size: 2 }));
    expect((await put(changed(object, { size: 3 }))).status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on things.example.io "x": the object has been modified; please apply your changes to the latest version and try again',
      details: { name: 'x', group: 'example.io', kind: 'things' },
    });
    const other = { ...object, metadata: { name: 'x', uid: 'other' } };
    expect((await put(other)).status.message).toBe(
      `Operation cannot be fulfilled on things.example.io "x": Precondition failed: UID in precondition: other, UID in object meta: ${object.metadata.uid}`,
    );
  });

  it.each([
    [{ metadata: { name: 'y' } }, 'the name of the object (y) does not match the name on the URL (x)'],
    [{ metadata: {} }, 'the name of the object (x based on URL) was undeterminable: name must be provided'],
    [{ metadata: { name: 'x', namespace: 'b' } }, 'the namespace of the provided object does not match the namespace sent on the request'],
    [{ kind: 'Other', metadata: { name: 'x' } }, 'the kind in the data (Other) does not match the expected kind (Thing)'],
  ])('refuses %j with 400', async (body, message) => {
    const { put } = await serverWith();
    expect((await put(body)).status).toMatchObject({ code: 400, message });
  });

  it('refuses unknown fields under Strict, and else warns of them and prunes them', async () => {
    const { object, put } = await serverWith();
    const body = changed(object, { size: 2, x: 1 });
    expect((await put(body, `${thingPath}/x?fieldValidation=Strict`)).status).toMatchObject({
      code: 400,
      message: 'Thing in version "v1" cannot be handled as a Thing: strict decoding error: unknown field "spec.x"',
    });
    expect((await put(body, `${thingPath}/x?fieldValidation=Ignore&dryRun=All`)).warnings).toEqual([]);
    const { warnings, object: next } = await put(body);
    expect([warnings, next.spec]).toEqual([['unknown field "spec.x"'], { size: 2, mode: 'Fast' }]);
  });

  it('answers 404 for what is not there, and does not create it', async () => {
    const { put, storage } = await serverWith();
    expect((await put({ metadata: { name: 'y' } }, `${thingPath}/y`)).status).toMatchObject({
      code: 404,
      message: 'things.example.io "y" not found',
      details: { name: 'y', group: 'example.io', kind: 'things' },
    });
    expect(storage.current()).toBe(nth(1));
  });

  it('stores nothing under dryRun', async () => {
    const { object, put, storage } = await serverWith();
    const { object: next } = await put(changed(object, { size: 2 }), `${thingPath}/x?dryRun=All`);
    expect(next.spec).toMatchObject({ size: 2 });
    expect(next.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    expect(storage.current()).toBe(nth(1));
  });

  it('refuses new finalizers on an object that is going, and lets it go with the last one', async () => {
    const { object, put, request } = await serverWith({}, { finalizers: ['example.io/f'] });
    await request('DELETE', `${thingPath}/x`);
    const body = (finalizers: string[]) => ({ metadata: { name: 'x', finalizers }, spec: object.spec });
    expect((await put(body(['example.io/f', 'example.io/g']))).status.message).toBe(
      'Thing.example.io "x" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.io/g"}',
    );
    const last = await put(body([]));
    expect([last.code, last.object.kind]).toEqual([200, 'Thing']);
    expect((await request('GET', `${thingPath}/x`)).code).toBe(404);
  });

  it('lets the rules of the kind put back and judge', async () => {
    const { object, put } = await serverWith({
      rules: {
        prepareForUpdate: (next, old) => ({
          ...next,
          spec: { ...(next.spec as object), code: (old.spec as { code?: string }).code ?? 'made' },
        }),
        validate: (next, old) =>
          old && (next.spec as { size: number }).size > 5 ? [{ field: 'spec.size', type: 'Forbidden', detail: 'too much' }] : [],
      },
    });
    expect((await put(changed(object, { size: 2 }))).object.spec).toMatchObject({ size: 2, code: 'made' });
    expect((await put({ metadata: { name: 'x' }, spec: { size: 6 } })).code).toBe(422);
  });

  it('says why nothing can be changed in a store that may only be read', async () => {
    const { object, put, storage } = await serverWith();
    storage.beforeWrite = () => {
      throw new StorageReadOnly('access denied');
    };
    expect((await put(changed(object, { size: 2 }))).status).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'things.example.io "x" is forbidden: the store is read-only: access denied',
    });
  });

  it('tells a store that is down (503, try again) from one that may have written (504)', async () => {
    const { object, put, storage } = await serverWith();
    storage.beforeWrite = () => {
      throw new StorageUnavailable('disk full');
    };
    expect((await put(changed(object, { size: 2 }))).status).toMatchObject({
      code: 503,
      reason: 'ServiceUnavailable',
      message: expect.stringContaining('disk full'),
      details: { retryAfterSeconds: 1 },
    });
    storage.beforeWrite = () => {
      throw new StorageUnknown('no answer');
    };
    const { status } = await put(changed(object, { size: 2 }));
    expect(status).toMatchObject({ code: 504, reason: 'Timeout' });
    expect(status.details?.retryAfterSeconds).toBeUndefined();
  });
});

describe('update of the status', () => {
  it('changes the status alone, and not the generation', async () => {
    const { object, put, request } = await serverWith();
    const { object: next } = await put(
      { ...object, spec: { size: 9 }, metadata: { ...object.metadata, labels: { a: 'b' } }, status: { phase: 'Ready' } },
      `${thingPath}/x/status`,
    );
    expect(next).toEqual({ ...object, status: { phase: 'Ready' }, metadata: { ...object.metadata, resourceVersion: String(nth(2)) } });
    const main = await put({ ...next, spec: { size: 3 }, status: { phase: 'mine' } });
    expect(main.object).toMatchObject({ spec: { size: 3 }, status: { phase: 'Ready' }, metadata: { generation: 2 } });
    expect((await request('GET', `${thingPath}/x/status`)).object).toEqual(main.object);
  });

  it('holds resourceVersion and schema against it', async () => {
    const { object, put } = await serverWith();
    const status = `${thingPath}/x/status`;
    await put({ ...object, status: { phase: 'A' } }, status);
    expect((await put({ ...object, status: { phase: 'B' } }, status)).code).toBe(409);
    expect((await put({ metadata: { name: 'x' }, status: { seen: 'x' } }, status)).status.message).toContain(
      'status.seen in body must be of type integer',
    );
  });

  it('is there only for kinds that have it', async () => {
    const { request } = createServer();
    await request('POST', '/api/v1/planets', { body: { metadata: { name: 'p' } } });
    expect((await request('PUT', '/api/v1/planets/p/status', { body: { metadata: { name: 'p' } } })).code).toBe(404);
    const { object } = await request('PUT', '/api/v1/planets/p', { body: { metadata: { name: 'p' }, status: 'mine' } });
    expect(object.status).toBe('mine');
  });
});
