/** What a client sees when it deletes, one object or many. */
import { describe, expect, it } from 'vitest';
import type { ResourceRules } from '../../../src/machinery/resource.ts';
import { nth } from '../../conformance/storage-samples.ts';
import { allThings, createServer, thingPath } from '../toys.ts';

async function serverWith(metadata: object = {}, rules: ResourceRules = {}) {
  const server = createServer({ rules });
  const { object } = await server.request('POST', thingPath, { body: { metadata: { name: 'x', ...metadata }, spec: {} } });
  const remove = (body: unknown = '', query = '') => server.request('DELETE', `${thingPath}/x${query}`, { body });
  const now = () => server.request('GET', `${thingPath}/x`);
  return { ...server, object, remove, now };
}

describe('delete', () => {
  it('answers with the uid of what is gone', async () => {
    const { object, remove, now } = await serverWith();
    const { code, status } = await remove();
    expect(code).toBe(200);
    expect(status).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'x', group: 'example.io', kind: 'things', uid: object.metadata.uid },
    });
    expect((await now()).code).toBe(404);
    expect((await remove()).status).toMatchObject({ code: 404, reason: 'NotFound' });
  });

  it.each([
    ['application/yaml', 'application/yaml', /^kind: Status\n[^]*\nstatus: Success\n/],
    ['application/json;as=Table;g=meta.k8s.io;v=v1', 'application/json', /^\{"kind":"Status"/],
    ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'application/json', /^\{"kind":"Status"/],
  ])('answers %s with a Status as %s', async (accept, type, form) => {
    const { request } = await serverWith();
    const { text, headers } = await request('DELETE', `${thingPath}/x`, { accept });
    expect(headers['Content-Type']).toBe(type);
    expect(text).toMatch(form);
  });

  it('marks what finalizers hold, once', async () => {
    const { remove, now, storage } = await serverWith({ finalizers: ['example.io/f'] });
    const { code, object } = await remove();
    expect(code).toBe(200);
    expect(object).toMatchObject({
      kind: 'Thing',
      metadata: {
        deletionTimestamp: '2026-01-02T03:04:05Z',
        deletionGracePeriodSeconds: 0,
        generation: 2,
        resourceVersion: String(nth(2)),
      },
    });
    expect((await remove()).object).toEqual(object);
    expect((await now()).object).toEqual(object);
    expect(storage.current()).toBe(nth(2));
  });

  it.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ])('%s leaves it to the garbage collector', async (propagationPolicy, finalizers) => {
    const { remove } = await serverWith();
    expect((await remove({ propagationPolicy })).object.metadata.finalizers).toEqual(finalizers);
  });

  it.each([{ propagationPolicy: 'Background' }, {}, { orphanDependents: false }])('%j deletes at once', async (options) => {
    const { remove, now } = await serverWith();
    expect((await remove(options)).status.status).toBe('Success');
    expect((await now()).code).toBe(404);
  });

  it('takes its options from the query when there is no body', async () => {
    const { remove } = await serverWith();
    expect((await remove('', '?propagationPolicy=Orphan&dryRun=All')).object.metadata.finalizers).toEqual(['orphan']);
    expect((await remove('', '?orphanDependents=true')).object.metadata.finalizers).toEqual(['orphan']);
  });

  it.each([
    'propagationPolicy=x',
    'propagationPolicy=',
    'dryRun=x',
    'dryRun=',
    'gracePeriodSeconds=-1',
    'orphanDependents=1&propagationPolicy=Orphan',
  ])('refuses ?%s with 422', async (query) => {
    const { remove, now } = await serverWith();
    expect((await remove('', `?${query}`)).status).toMatchObject({ code: 422, details: { group: 'meta.k8s.io', kind: 'DeleteOptions' } });
    expect((await now()).code).toBe(200);
  });

  it('may be told another way while finalizers hold the object', async () => {
    const { remove, object } = await serverWith({ finalizers: ['example.io/f'] });
    const marked = (await remove()).object;
    const foreground = (await remove({ propagationPolicy: 'Foreground' })).object;
    expect(foreground.metadata).toEqual({
      ...marked.metadata,
      finalizers: ['example.io/f', 'foregroundDeletion'],
      resourceVersion: String(nth(3)),
    });
    expect((await remove({ propagationPolicy: 'Orphan' })).object.metadata.finalizers).toEqual(['example.io/f', 'orphan']);
    expect((await remove({ propagationPolicy: 'Background' })).object.metadata).toMatchObject({
      uid: object.metadata.uid,
      finalizers: ['example.io/f'],
    });
  });

  it('goes on at once where only the way of deletion held the object', async () => {
    const { remove, now } = await serverWith();
    await remove({ propagationPolicy: 'Orphan' });
    expect((await remove({ propagationPolicy: 'Background' })).status.status).toBe('Success');
    expect((await now()).code).toBe(404);
  });

  it('holds uid and resourceVersion against it', async () => {
    const { object, remove, now } = await serverWith();
    expect((await remove({ preconditions: { uid: 'other' } })).status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: expect.stringContaining('Precondition failed: UID in precondition: other, UID in object meta: '),
    });
    const { uid, resourceVersion } = object.metadata;
    expect((await remove({ preconditions: { resourceVersion: '9' } })).code).toBe(409);
    expect((await remove({ preconditions: { uid: '' } })).code).toBe(409);
    expect((await remove({ preconditions: { resourceVersion: '' } })).code).toBe(409);
    expect((await now()).code).toBe(200);
    expect((await remove({ preconditions: { uid, resourceVersion } })).code).toBe(200);
  });

  it('removes nothing under dryRun', async () => {
    const { remove, now } = await serverWith();
    expect((await remove({ dryRun: ['All'] })).status.status).toBe('Success');
    expect((await now()).code).toBe(200);
  });

  it('gives the reason why the kind refuses it', async () => {
    const { remove } = await serverWith({}, { refuseDelete: ({ metadata }) => `${metadata.name} is held` });
    expect((await remove()).status).toMatchObject({ code: 403, message: 'things.example.io "x" is forbidden: x is held' });
  });

  it.each([
    [{ apiVersion: 'v1', kind: 'DeleteOptions' }, 200],
    [{ apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions' }, 200],
    [{ apiVersion: 'example.io/v1', kind: 'DeleteOptions' }, 200],
    [{ apiVersion: 'apps/v1', kind: 'DeleteOptions' }, 400],
    [{ kind: 'Thing' }, 400],
    [[], 400],
    ['{"a', 400],
    [{ gracePeriodSeconds: 'x' }, 400],
    [{ gracePeriodSeconds: 0 }, 200],
    [{ gracePeriodSeconds: -1 }, 422],
    ['null', 200],
    [{ propagationPolicy: null, dryRun: [], preconditions: {} }, 200],
    [{ propagationPolicy: 'x' }, 422],
    [{ propagationPolicy: 'nil' }, 422],
    [{ propagationPolicy: '' }, 422],
    [{ propagationPolicy: 'Orphan', orphanDependents: true }, 422],
    [{ dryRun: ['x'] }, 422],
    [{ dryRun: [''] }, 422],
  ])('with the options %j answers %i', async (options, code) => {
    const { remove, now } = await serverWith();
    expect((await remove(options)).code).toBe(code);
    expect((await now()).code).toBe(code === 200 ? 404 : 200);
  });

  it('reads options in YAML, and in no other type', async () => {
    const { request } = await serverWith();
    expect((await request('DELETE', `${thingPath}/x`, { body: 'x', type: 'application/vnd.kubernetes.protobuf' })).code).toBe(415);
    expect((await request('DELETE', `${thingPath}/x`, { body: 'propagationPolicy: Background', type: 'application/yaml' })).code).toBe(200);
  });
});

describe('deletecollection', () => {
  async function three(rules: ResourceRules = {}) {
    const server = createServer({ rules });
    for (const [name, app] of [
      ['x', 'a'],
      ['y', 'a'],
      ['z', 'b'],
    ])
      await server.request('POST', thingPath, { body: { metadata: { name, labels: { app } } } });
    const names = async () => (await server.request('GET', thingPath)).list.items.map(({ metadata }) => metadata.name);
    return { ...server, names };
  }

  it('deletes all, and answers with what it found', async () => {
    const { request, names } = await three();
    const { code, list } = await request('DELETE', thingPath, { body: { propagationPolicy: 'Background' } });
    expect(code).toBe(200);
    expect(list.kind).toBe('ThingList');
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['x', 'y', 'z']);
    expect(await names()).toEqual([]);
  });

  it.each([
    ['labelSelector=app%3Da', ['z']],
    ['fieldSelector=metadata.name%3Dy', ['x', 'z']],
    ['limit=2', ['z']],
    ['dryRun=All', ['x', 'y', 'z']],
  ])('%s leaves %j', async (query, left) => {
    const { request, names } = await three();
    expect((await request('DELETE', `${thingPath}?${query}`)).code).toBe(200);
    expect(await names()).toEqual(left);
  });

  it('goes on where a page ended', async () => {
    const { request, names } = await three();
    const { metadata } = (await request('GET', `${thingPath}?limit=1`)).list;
    expect((await request('DELETE', `${thingPath}?continue=${metadata.continue}`)).list.items.map(({ metadata }) => metadata.name)).toEqual(
      ['y', 'z'],
    );
    expect(await names()).toEqual(['x']);
  });

  it('marks what finalizers hold, and deletes the others', async () => {
    const { request, names } = await three();
    await request('PATCH', `${thingPath}/y`, { body: { metadata: { finalizers: ['example.io/f'] } } });
    await request('DELETE', thingPath, { body: { propagationPolicy: 'Background' } });
    expect(await names()).toEqual(['y']);
    expect((await request('GET', `${thingPath}/y`)).object.metadata.deletionTimestamp).toBeTruthy();
  });

  it('deletes nothing when the selector is wrong', async () => {
    const { request, names } = await three();
    expect((await request('DELETE', `${thingPath}?fieldSelector=spec.foo%3D1`)).code).toBe(400);
    expect((await request('DELETE', `${thingPath}?labelSelector=a%20b`)).code).toBe(400);
    expect(await names()).toHaveLength(3);
  });

  it('deletes what it may, and names the first that it may not', async () => {
    const { request, names } = await three({ refuseDelete: ({ metadata }) => (metadata.name === 'x' ? 'held' : undefined) });
    expect((await request('DELETE', thingPath)).status).toMatchObject({ code: 403, message: 'things.example.io "x" is forbidden: held' });
    expect(await names()).toEqual(['x']);
  });

  it('is not offered for all namespaces at once', async () => {
    const { request } = await three();
    expect((await request('DELETE', allThings)).code).toBe(405);
  });
});
