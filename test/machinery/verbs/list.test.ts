/** What a client sees when it gets or lists. */
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { StorageUnavailable } from '../../../src/machinery/storage.ts';
import type { User } from '../../../src/machinery/user.ts';
import { nth } from '../../conformance/storage-samples.ts';
import { allThings, createServer, thingPath } from '../toys.ts';

async function serverWith(count: number, rules = {}) {
  const server = createServer({ rules });
  for (let n = 0; n < count; n += 1) {
    const metadata = { name: `n${String(n).padStart(3, '0')}`, labels: { odd: String(n % 2) } };
    await server.request('POST', thingPath, { body: { metadata, spec: { mode: n % 3 === 0 ? 'Slow' : 'Fast' } } });
  }
  const list = async (query = '', path = thingPath) => (await server.request('GET', `${path}?${query}`)).list;
  const names = async (query = '', path = thingPath) => (await list(query, path)).items.map(({ metadata }) => metadata.name);
  return { ...server, list, names };
}

describe('get', () => {
  it('answers with the object, or 404, which means that it does not exist', async () => {
    const { request, storage } = await serverWith(1);
    for (const query of ['', '?resourceVersion=0', `?resourceVersion=${nth(1)}`])
      expect((await request('GET', `${thingPath}/n000${query}`)).object).toMatchObject({
        kind: 'Thing',
        metadata: { resourceVersion: String(nth(1)) },
      });
    expect((await request('GET', `${thingPath}/nope`)).status).toMatchObject({ code: 404, message: 'things.example.io "nope" not found' });
    storage.get = () => Promise.reject(new StorageUnavailable('down'));
    expect((await request('GET', `${thingPath}/nope?resourceVersion=0`)).code).toBe(503);
  });

  it('refuses a resourceVersion of the future, and one that is no number', async () => {
    const { request } = await serverWith(1);
    expect((await request('GET', `${thingPath}/n000?resourceVersion=99`)).status).toMatchObject({
      code: 504,
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
    expect((await request('GET', `${thingPath}/n000?resourceVersion=x`)).code).toBe(400);
  });
});

describe('list', () => {
  it('of nothing is a list with items, also in a namespace that is not there', async () => {
    const { list, storage } = await serverWith(0);
    expect(await list('', '/apis/example.io/v1/namespaces/nope/things')).toEqual({
      kind: 'ThingList',
      apiVersion: 'example.io/v1',
      metadata: { resourceVersion: String(storage.current()) },
      items: [],
    });
  });

  it('holds whole objects in order, of a namespace or of all', async () => {
    const { request, names, list } = await serverWith(2);
    await request('POST', '/apis/example.io/v1/namespaces/b/things', { body: { metadata: { name: 'a' } } });
    expect(await names()).toEqual(['n000', 'n001']);
    expect(await names('', allThings)).toEqual(['n000', 'n001', 'a']);
    const { items, metadata } = await list();
    expect(metadata.resourceVersion).toBe(String(nth(3)));
    expect(items[0]).toMatchObject({ apiVersion: 'example.io/v1', kind: 'Thing', metadata: { resourceVersion: String(nth(1)) } });
  });

  it.each([
    ['labelSelector=odd%3D1', ['n001', 'n003']],
    ['fieldSelector=metadata.name%3Dn002', ['n002']],
    ['fieldSelector=metadata.name!%3Dn002,metadata.namespace%3Da', ['n000', 'n001', 'n003']],
    ['fieldSelector=spec.mode%3DSlow', ['n000', 'n003']],
    ['fieldSelector=spec.mode%3DSlow&labelSelector=odd%3D1', ['n003']],
    ['fieldSelector=status.phase%3D', ['n000', 'n001', 'n002', 'n003']],
  ])('%s selects %j', async (query, expected) => {
    const { names } = await serverWith(4);
    expect(await names(query)).toEqual(expected);
    expect(await names(query, allThings)).toEqual(expected);
  });

  it.each([
    ['labelSelector=a%20in', 400, "unable to parse requirement: found '', expected: '('"],
    [
      'fieldSelector=spec.foo%3D1',
      400,
      '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace", "spec.mode", "status.phase"',
    ],
    ['limit=x', 400, 'limit: strconv.ParseInt: parsing "x": invalid syntax'],
    ['continue=garbage', 400, 'invalid continue token: '],
    ['resourceVersion=x', 400, 'invalid resource version "x"'],
    [
      'resourceVersionMatch=Exact',
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    ['resourceVersion=0&resourceVersionMatch=Exact', 422, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
    [
      'resourceVersion=1&resourceVersionMatch=x',
      422,
      'resourceVersionMatch: Unsupported value: "x": supported values: "Exact", "NotOlderThan", ""',
    ],
    ['resourceVersion=1&resourceVersionMatch=Exact&continue=x', 422, 'resourceVersionMatch is forbidden when continue is provided'],
    ['sendInitialEvents=true', 422, 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
  ])('refuses %s with %i', async (query, code, message) => {
    const { request } = await serverWith(1);
    const { status } = await request('GET', `${thingPath}?${query}`);
    expect(status).toMatchObject({ code });
    expect(status.message).toContain(message);
  });

  it('ignores parameters that it does not know', async () => {
    expect(await (await serverWith(1)).names('foo=bar&timeout=1s')).toEqual(['n000']);
  });

  describe('in pages', () => {
    it('is one state, whatever happens in between', async () => {
      const { list, request } = await serverWith(5);
      const resourceVersion = String(nth(5));
      const first = await list('limit=2');
      expect(first.metadata).toMatchObject({ resourceVersion, remainingItemCount: 3 });
      await request('DELETE', `${thingPath}/n002`);
      await request('POST', thingPath, { body: { metadata: { name: 'n0025' } } });
      const second = await list(`limit=2&continue=${first.metadata.continue}`);
      const third = await list(`limit=2&continue=${second.metadata.continue}`);
      const pages = [first, second, third];
      expect(pages.map(({ items }) => items.map(({ metadata }) => metadata.name))).toEqual([['n000', 'n001'], ['n002', 'n003'], ['n004']]);
      expect(pages.map(({ metadata }) => metadata.resourceVersion)).toEqual(pages.map(() => resourceVersion));
      expect(third.metadata).toEqual({ resourceVersion });
    });

    it('does not say how many remain where the storage does not count them', async () => {
      const { list, storage } = await serverWith(5);
      const whole = storage.list.bind(storage);
      storage.list = async (...args) => ({ ...(await whole(...args)), remaining: () => Promise.resolve(Number.POSITIVE_INFINITY) });
      const { metadata } = await list('limit=2');
      expect(metadata).not.toHaveProperty('remainingItemCount');
      expect((await list(`continue=${metadata.continue}`)).items).toHaveLength(3);
    });

    it('fills each page with what the selector wants, and ends exactly', async () => {
      const { list } = await serverWith(300);
      const first = await list('limit=100&labelSelector=odd%3D1');
      expect(first.items).toHaveLength(100);
      expect(first.metadata).not.toHaveProperty('remainingItemCount');
      const second = await list(`limit=100&labelSelector=odd%3D1&continue=${first.metadata.continue}`);
      expect(second.items).toHaveLength(50);
      expect(second.metadata.continue ?? '').toBe('');
      expect((await list('limit=150&labelSelector=odd%3D1')).metadata.continue ?? '').toBe('');
    });

    it('goes on inconsistently with the token of a 410', async () => {
      const { list, request, storage } = await serverWith(3);
      const first = await list('limit=2');
      await request('POST', thingPath, { body: { metadata: { name: 'n0015' } } });
      storage.forget();
      const { status } = await request('GET', `${thingPath}?limit=2&continue=${first.metadata.continue}`);
      expect(status).toMatchObject({
        code: 410,
        reason: 'Expired',
        message: expect.stringContaining('The provided continue parameter is too old'),
      });
      const rest = await list(`limit=2&continue=${status.metadata.continue}`);
      expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['n0015', 'n002']);
      expect(rest.metadata.resourceVersion).toBe(String(nth(4)));
    });

    it('does not go with a resourceVersion', async () => {
      const { list, request } = await serverWith(3);
      const { metadata } = await list('limit=2');
      expect((await request('GET', `${thingPath}?continue=${metadata.continue}&resourceVersion=2`)).status).toMatchObject({
        code: 400,
        message: 'specifying resource version is not allowed when using continue',
      });
    });
  });

  it('at a resourceVersion: any, at least, exactly, not yet, not any more', async () => {
    const { names, list, request, storage } = await serverWith(3);
    const second = { resourceVersion: String(nth(2)) };
    expect(await names('resourceVersion=0')).toHaveLength(3);
    expect(await names(`resourceVersion=${nth(2)}`)).toHaveLength(3);
    expect(await names(`resourceVersion=${nth(2)}&resourceVersionMatch=NotOlderThan`)).toHaveLength(3);
    expect(await list(`resourceVersion=${nth(2)}&resourceVersionMatch=Exact`)).toMatchObject({ metadata: second, items: [{}, {}] });
    expect(await list(`resourceVersion=${nth(2)}&limit=500`)).toMatchObject({ metadata: second, items: [{}, {}] });
    expect((await request('GET', `${thingPath}?resourceVersion=99`)).status).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: `Timeout: Too large resource version: 99, current: ${nth(3)}`,
      details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
    });
    storage.forget();
    expect((await request('GET', `${thingPath}?resourceVersion=${nth(2)}&resourceVersionMatch=Exact`)).status).toMatchObject({
      code: 410,
      reason: 'Expired',
    });
  });

  it('comes as a Table or as metadata when asked for', async () => {
    const { request } = await serverWith(1);
    const accept = (as: string) => `application/json;as=${as};g=meta.k8s.io;v=v1`;
    expect((await request('GET', thingPath, { accept: accept('Table') })).list.kind).toBe('Table');
    expect((await request('GET', thingPath, { accept: accept('PartialObjectMetadataList') })).list.kind).toBe('PartialObjectMetadataList');
    expect((await request('GET', thingPath, { accept: accept('PartialObjectMetadata') })).code).toBe(406);
  });
});

describe('kinds that outlive their namespace', () => {
  const controller: User = { name: 'system:serviceaccount:kube-system:namespace-controller', groups: [], extra: {} };

  it('are not seen by the controller that empties it, and not deleted', async () => {
    const { request, names } = await serverWith(2, { outlivesNamespace: () => true });
    expect((await request('GET', thingPath, { user: controller })).list.items).toEqual([]);
    expect((await request('DELETE', thingPath, { user: controller })).list.items).toEqual([]);
    expect((await request('GET', allThings, { user: controller })).list.items).toHaveLength(2);
    expect(await names()).toHaveLength(2);
  });

  it('but for those that say so', async () => {
    const { request, names } = await serverWith(3, { outlivesNamespace: ({ metadata }: KubeObject) => metadata.name !== 'n001' });
    const seen = (await request('GET', `${thingPath}?limit=1`, { user: controller })).list;
    expect(seen.items.map(({ metadata }) => metadata.name)).toEqual(['n001']);
    expect(seen.metadata.continue).toBeUndefined();
    await request('DELETE', thingPath, { user: controller });
    expect(await names()).toEqual(['n000', 'n002']);
  });

  it('are deleted by everybody else', async () => {
    const { request, names } = await serverWith(2, { outlivesNamespace: () => true });
    expect((await request('DELETE', thingPath)).list.items).toHaveLength(2);
    expect(await names()).toEqual([]);
  });

  it('others are', async () => {
    const { request, names } = await serverWith(2);
    expect((await request('DELETE', thingPath, { user: controller })).list.items).toHaveLength(2);
    expect(await names()).toEqual([]);
  });
});
