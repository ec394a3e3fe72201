/** Which requests go where, and which go nowhere. */
import { describe, expect, it } from 'vitest';
import { Door } from '../../src/machinery/door.ts';
import { parseTarget } from '../../src/machinery/path.ts';
import { callOf } from './sample.ts';
import { allThings, createServer, thingPath } from './toys.ts';

describe('dispatch', () => {
  it.each([
    '/apis/example.io/v1/namespaces/a/nothings',
    '/apis/example.io/v2/namespaces/a/things',
    '/apis/other.io/v1/namespaces/a/things',
    '/apis/example.io/v1/namespaces/a/planets',
    '/api/v1/namespaces/a/planets',
    '/apis/example.io/v1/things/x',
    '/api/v1/namespaces/a/namespaces/x',
    `${thingPath}/x/nope`,
    `${thingPath}/x/status/more`,
    '/api/v1/planets/p/status',
    '/apis/example.io/v1/Things',
    '/version',
  ])('%s is 404', async (path) => {
    const { request } = createServer();
    expect((await request('GET', path)).status).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
    });
  });

  it.each([
    ['PUT', thingPath, 'update is not supported on resources of kind "things.example.io"'],
    ['PATCH', thingPath, 'patch is not supported on resources of kind "things.example.io"'],
    ['POST', `${thingPath}/x`, 'create is not supported on resources of kind "things.example.io"'],
    ['POST', allThings, 'create is not supported on resources of kind "things.example.io"'],
    ['DELETE', allThings, 'deletecollection is not supported on resources of kind "things.example.io"'],
    ['POST', `${thingPath}/x/status`, 'create is not supported on resources of kind "things/status.example.io"'],
    ['DELETE', `${thingPath}/x/status`, 'delete is not supported on resources of kind'],
    ['PUT', `${thingPath}/x/echo`, 'update is not supported on resources of kind'],
  ])('%s %s is 405', async (method, path, message) => {
    const { request } = createServer();
    const { status } = await request(method, path, { body: {} });
    expect(status).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
    expect(status.message).toContain(message);
  });

  it('hands a subresource its object, what follows in the path, and the services', async () => {
    const { request } = createServer();
    expect((await request('GET', `${thingPath}/x/echo`)).status).toMatchObject({ code: 404, message: 'things.example.io "x" not found' });
    await request('POST', thingPath, { body: { metadata: { name: 'x' } } });
    expect((await request('GET', `${thingPath}/x/echo/p/q`)).text).toBe('x p/q services');
    expect((await request('POST', `${thingPath}/x/echo`)).text).toBe('x  services');
  });

  it('finds a Namespace, whose path names it twice, in no namespace', async () => {
    const { request, storage } = createServer();
    expect((await request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })).code).toBe(201);
    expect((await request('GET', '/api/v1/namespaces/n')).object.metadata.name).toBe('n');
    expect((await request('PATCH', '/api/v1/namespaces/n', { body: { metadata: { labels: { a: 'b' } } } })).code).toBe(200);
    expect(storage.peek({ resource: 'namespaces', namespace: '', name: 'n' })).toBeDefined();
    expect((await request('DELETE', '/api/v1/namespaces/n')).code).toBe(200);
  });
});

describe('the door', () => {
  it.each([thingPath, '/apis', '/nope'])('tells who comes too early to come again: %s', async (path) => {
    const door = new Door();
    const call = { ...callOf(), ...parseTarget('GET', path) };
    await expect(door.handle(call)).rejects.toMatchObject({
      code: 503,
      message: 'the request has been made before all known HTTP paths have been installed, please try again',
      details: { retryAfterSeconds: 5 },
    });
    door.open(createServer().api);
    if (path === '/nope') await expect(door.handle(call)).rejects.toMatchObject({ code: 404 });
    else expect((await door.handle(call)).status).toBe(200);
  });
});
