/** What has to hold around an object: rights for a change, objects that it names, objects that use it, and objects that are the server's. */
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { createObjects } from '../../../src/machinery/in-process.ts';
import { kylonUser } from '../../../src/machinery/user.ts';
import { createServer, thingPath } from '../toys.ts';

const planets = { group: '', resource: 'planets' };
const planetOf = ({ spec }: KubeObject) => (spec as { code?: string } | undefined)?.code;
const signal = AbortSignal.any([]);

/** Things name planets by spec.code. */
async function withPlanet(metadata: object = {}) {
  const server = createServer({
    rules: {
      references: (thing) => [planetOf(thing) ?? []].flat().map((name) => ({ field: 'spec.code', resource: planets, name })),
    },
  });
  await server.request('POST', '/api/v1/planets', { body: { metadata: { name: 'mars', ...metadata } } });
  const create = (code: string, query = '') =>
    server.request('POST', `${thingPath}${query}`, { body: { metadata: { generateName: 'x-' }, spec: { code } } });
  return { ...server, create };
}

describe('what a new object names', () => {
  it('has to be there', async () => {
    const { create } = await withPlanet();
    expect((await create('mars')).code).toBe(201);
    for (const query of ['', '?dryRun=All'])
      expect((await create('moon', query)).status).toMatchObject({
        code: 422,
        reason: 'Invalid',
        details: { causes: [{ reason: 'FieldValueNotFound', field: 'spec.code', message: 'Not found: "moon"' }] },
      });
  });

  it('has to stay', async () => {
    const { create, request } = await withPlanet({ finalizers: ['example.io/f'] });
    await request('DELETE', '/api/v1/planets/mars');
    expect((await create('mars')).status).toMatchObject({ code: 422, message: expect.stringContaining('it is being deleted') as string });
  });

  it('is not looked for again when the object is changed', async () => {
    const { create, request } = await withPlanet();
    const { metadata } = (await create('mars')).object;
    await request('DELETE', '/api/v1/planets/mars');
    const change = await request('PATCH', `${thingPath}/${metadata.name}`, { body: { spec: { size: 2 } } });
    expect(change.code).toBe(200);
  });
});

describe('an object that is used', () => {
  const inUse = async () => {
    const server = createServer({
      rules: {
        usedBy: {
          kinds: [{ kind: 'Planet', resource: planets }],
          uses: ({ metadata }, { metadata: { name } }) => metadata.labels?.['of'] === name,
        },
      },
    });
    await server.request('POST', thingPath, { body: { metadata: { name: 'x' }, spec: {} } });
    const user = (name: string, of: string) => server.request('POST', '/api/v1/planets', { body: { metadata: { name, labels: { of } } } });
    return { ...server, user, remove: (query = '') => server.request('DELETE', `${thingPath}/x${query}`) };
  };

  it('is not deleted, and says by how many it is used', async () => {
    const { user, remove, request } = await inUse();
    await user('mars', 'x');
    await user('moon', 'y');
    expect((await remove()).status).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'things.example.io "x" is forbidden: it is used by 1 Planet',
    });
    await user('venus', 'x');
    expect((await remove('?dryRun=All')).status.message).toContain('it is used by 2 Planets');
    await request('DELETE', '/api/v1/planets/mars');
    await request('DELETE', '/api/v1/planets/venus');
    expect((await remove()).code).toBe(200);
  });
});

describe('an object of the server', () => {
  const rules = { refuseWrite: ({ metadata }: KubeObject) => (metadata.name === 'own' ? "it is the server's" : undefined) };
  const own = { apiVersion: 'example.io/v1', kind: 'Thing', metadata: { name: 'own', namespace: 'a' } };

  it('is made and changed by the server alone', async () => {
    const { api, things, request } = createServer({ rules });
    const refused = { code: 403, message: 'things.example.io "own" is forbidden: it is the server\'s' };
    expect((await request('POST', thingPath, { body: own })).status).toMatchObject(refused);
    await createObjects(api).create(things, own, kylonUser, { dryRun: false }, signal);
    for (const [path, body] of [
      ['', { spec: { size: 1 } }],
      ['', { metadata: { labels: { a: 'b' } } }],
      ['/status', { status: { phase: 'x' } }],
    ] as const)
      expect((await request('PATCH', `${thingPath}/own${path}`, { body })).status).toMatchObject(refused);
    expect((await request('POST', thingPath, { body: { metadata: { name: 'other' } } })).code).toBe(201);
  });
});

describe('the rights that a change takes', () => {
  it('are those of who changes it, of what it becomes', async () => {
    const right = (object: KubeObject) => ({
      verb: 'get',
      group: '',
      version: 'v1',
      resource: 'secrets',
      namespace: planetOf(object) ?? '',
    });
    const { denied, request } = createServer({
      rules: { rightsToUpdate: (thing, old) => (planetOf(thing) === planetOf(old) ? [] : [right(thing)]) },
    });
    denied.add('moon');
    await request('POST', thingPath, { body: { metadata: { name: 'x' }, spec: { code: 'mars' } } });
    const change = (spec: object) => request('PATCH', `${thingPath}/x`, { body: { spec } });
    expect((await change({ code: 'moon' })).status).toMatchObject({
      code: 403,
      message: expect.stringContaining('cannot get resource "secrets"') as string,
    });
    expect((await change({ size: 3 })).code).toBe(200);
    expect((await change({ code: 'sun' })).code).toBe(200);
  });
});
