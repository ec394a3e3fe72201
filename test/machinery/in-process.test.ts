/** The API for callers inside this process. */
import { describe, expect, it } from 'vitest';
import { createObjects } from '../../src/machinery/in-process.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import { emptyNumber, StorageConflict, StorageUnavailable } from '../../src/machinery/storage.ts';
import { kylonUser } from '../../src/machinery/user.ts';
import { nth } from '../conformance/storage-samples.ts';
import { alice, createServer, thingPath } from './toys.ts';

const signal = new AbortController().signal;
const thing = (name: string, more: object = {}): KubeObject => ({
  apiVersion: 'example.io/v1',
  kind: 'Thing',
  metadata: { name, namespace: 'a', ...more },
  spec: {},
});
const refOf = ({ metadata }: KubeObject) => ({ namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid ?? '' });

function server(given: Parameters<typeof createServer>[0] = {}) {
  const made = createServer(given);
  const objects = createObjects(made.api);
  const create = (name: string, more: object = {}) => objects.create(made.things, thing(name, more), kylonUser, { dryRun: false }, signal);
  return { ...made, objects, create };
}

describe('objects', () => {
  it('creates, gets and lists, with defaults and numbers', async () => {
    const { objects, things, create } = server();
    const made = await create('x');
    expect(made).toMatchObject({ metadata: { name: 'x', resourceVersion: String(nth(1)) }, spec: { mode: 'Fast' } });
    expect(await objects.get(things, 'a', 'x', signal)).toEqual(made);
    expect(await objects.get(things, 'a', 'nope', signal)).toBeUndefined();
    expect(await objects.list(things, { namespace: 'a' }, signal)).toEqual([made]);
    expect(await objects.list(things, { namespace: 'b' }, signal)).toEqual([]);
    expect(await objects.list(things, {}, signal)).toHaveLength(1);
  });

  it('lists by labels', async () => {
    const { objects, things, create } = server();
    await create('x', { labels: { app: 'web' } });
    await create('y', { labels: { app: 'db' }, annotations: { app: 'web' } });
    const names = async (labelSelector: string) =>
      (await objects.list(things, { labelSelector }, signal)).map(({ metadata }) => metadata.name);
    expect(await names('app=web')).toEqual(['x']);
    expect(await names('app!=web')).toEqual(['y']);
    expect(await names('app')).toEqual(['x', 'y']);
  });

  it('creates nothing under dryRun, and asks for the rights of a user that is given', async () => {
    const rightsToCreate = () => [{ verb: 'create', group: '', resource: 'things', namespace: 'z' }];
    const { objects, things, denied, create, storage } = server({ rules: { rightsToCreate } });
    denied.add('z');
    await objects.create(things, thing('x'), kylonUser, { dryRun: true }, signal);
    expect(storage.current()).toBe(emptyNumber);
    await create('x');
    await expect(objects.create(things, thing('y'), alice, { dryRun: false }, signal)).rejects.toMatchObject({ code: 403 });
    await expect(create('x')).rejects.toMatchObject({ code: 409, reason: 'AlreadyExists' });
  });

  it('updates the object or the status, again when another was faster', async () => {
    const { objects, things, create, storage } = server();
    const made = await create('x');
    let writes = 0;
    storage.beforeWrite = () => {
      if (writes++ < 2) throw new StorageConflict('faster');
    };
    let seen = 0;
    const next = await objects.update(
      things,
      refOf(made),
      'status',
      (object) => ({ ...object, spec: { size: 9 }, status: { seen: ++seen } }),
      signal,
    );
    expect(next).toMatchObject({ status: { seen: 3 }, spec: { mode: 'Fast' }, metadata: { generation: 1 } });
    const main = await objects.update(things, refOf(made), 'object', (object) => ({ ...object, spec: { size: 2 } }), signal);
    expect(main).toMatchObject({ status: { seen: 3 }, spec: { size: 2 }, metadata: { generation: 2 } });
  });

  it('writes nothing when the change returns its argument', async () => {
    const { objects, things, create, storage } = server();
    const made = await create('x');
    expect(await objects.update(things, refOf(made), 'object', (object) => object, signal)).toEqual(made);
    expect(storage.current()).toBe(nth(1));
  });

  it('leaves alone what goes by the same name', async () => {
    const { objects, things, create } = server();
    const made = await create('x');
    const other = { ...refOf(made), uid: 'other' };
    expect(await objects.update(things, other, 'object', () => thing('x'), signal)).toBeUndefined();
    expect(await objects.update(things, { ...other, name: 'nope' }, 'object', () => thing('x'), signal)).toBeUndefined();
    await objects.delete(things, other, signal);
    expect(await objects.get(things, 'a', 'x', signal)).toBeDefined();
    await objects.delete(things, refOf(made), signal);
    await objects.delete(things, refOf(made), signal);
    expect(await objects.get(things, 'a', 'x', signal)).toBeUndefined();
  });

  it('speaks of storage in the words of the API', async () => {
    const { create, storage } = server();
    storage.beforeWrite = () => {
      throw new StorageUnavailable('down');
    };
    await expect(create('x')).rejects.toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
  });

  it('watches for ever, also over a gap in history', async () => {
    const { objects, things, create, request, storage } = server();
    const x = await create('x');
    await create('y');
    const stop = new AbortController();
    const events = objects.watch(things, stop.signal)[Symbol.asyncIterator]();
    /** What happened to which object, and its last change, counted from the empty storage. */
    const next = async () => {
      const { value, done } = await events.next();
      return done ? 'end' : `${value.type} ${value.object.metadata.name} ${Number(value.object.metadata.resourceVersion) - emptyNumber}`;
    };
    expect([await next(), await next()]).toEqual(['ADDED x 1', 'ADDED y 2']);
    await request('PATCH', `${thingPath}/y`, { body: { metadata: { labels: { a: 'b' } } } });
    expect(await next()).toBe('MODIFIED y 3');
    await objects.delete(things, refOf(x), signal);
    await create('z');
    await request('PATCH', `${thingPath}/y`, { body: { metadata: { labels: { a: 'c' } } } });
    storage.forget();
    expect([await next(), await next(), await next()].sort()).toEqual(['ADDED z 5', 'DELETED x 1', 'MODIFIED y 6']);
    const last = next();
    stop.abort(new Error('stop'));
    expect(await last).toBe('end');
  });
});
