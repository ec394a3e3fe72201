/** What a client sees when it watches. */
import { describe, expect, it } from 'vitest';
import { emptyNumber } from '../../../src/machinery/storage.ts';
import { nth } from '../../conformance/storage-samples.ts';
import { settled } from '../../manual-clock.ts';
import { createServer, readWatch, thingPath } from '../toys.ts';
import type { Ask, WatchLine } from '../toys.ts';

function server() {
  const made = createServer();
  const create = (name: string, labels = {}, status?: string) =>
    made.request('POST', thingPath, { body: { metadata: { name, labels }, spec: {}, ...(status && { status }) } });
  const label = (name: string, labels: object) => made.request('PATCH', `${thingPath}/${name}`, { body: { metadata: { labels } } });
  const remove = (name: string) => made.request('DELETE', `${thingPath}/${name}`);
  const watch = async (query = '', ask: Ask = {}) => readWatch((await made.answer('GET', `${thingPath}?watch=1&${query}`, ask)).answer);
  return { ...made, create, label, remove, watch };
}

/** What happened to which object, and its last change, counted from the empty storage. */
const brief = ({ type, object: { metadata } }: WatchLine) => `${type} ${metadata.name} ${Number(metadata.resourceVersion) - emptyNumber}`;

describe('watch', () => {
  it('answers 200 with a stream of lines, before there is anything to say', async () => {
    const { answer } = server();
    const { answer: made } = await answer('GET', `${thingPath}?watch=true`);
    expect(made).toMatchObject({ status: 200, headers: { 'Content-Type': 'application/json' } });
    expect(typeof made.body).toBe('object');
  });

  it.each(['', 'resourceVersion=0'])('with "%s" first tells what there is, then every change', async (query) => {
    const { create, label, remove, watch } = server();
    await create('x');
    await create('y');
    const events = await watch(query);
    expect((await events.take(2)).map(brief)).toEqual(['ADDED x 1', 'ADDED y 2']);
    await label('x', { a: 'b' });
    await remove('y');
    await create('z');
    const live = await events.take(3);
    expect(live.map(brief)).toEqual(['MODIFIED x 3', 'DELETED y 4', 'ADDED z 5']);
    expect(live[0]?.object).toMatchObject({ apiVersion: 'example.io/v1', kind: 'Thing', metadata: { labels: { a: 'b' } } });
  });

  it('from a number tells everything after it, once, in order', async () => {
    const { create, label, watch } = server();
    await create('x');
    await label('x', { a: '1' });
    await create('y');
    expect((await (await watch(`resourceVersion=${nth(1)}`)).take(2)).map(brief)).toEqual(['MODIFIED x 2', 'ADDED y 3']);
  });

  it('tells of its own namespace and resource only', async () => {
    const { create, watch, request } = server();
    const events = await watch('resourceVersion=0');
    await request('POST', '/apis/example.io/v1/namespaces/b/things', { body: { metadata: { name: 'other' } } });
    await request('POST', '/api/v1/planets', { body: { metadata: { name: 'p' } } });
    await create('x');
    expect((await events.take(1)).map(brief)).toEqual(['ADDED x 3']);
  });

  it('with a selector turns changes into coming and going', async () => {
    const { create, label, remove, watch } = server();
    const events = await watch('labelSelector=in%3Dyes');
    await create('x');
    await label('x', { in: 'yes', v: '1' });
    await label('x', { v: '2' });
    await label('x', { in: 'no' });
    await label('x', { v: '3' });
    await label('x', { in: 'yes' });
    await remove('x');
    const seen = await events.take(5);
    expect(seen.map(brief)).toEqual(['ADDED x 2', 'MODIFIED x 3', 'DELETED x 4', 'ADDED x 6', 'DELETED x 7']);
    expect(seen[2]?.object.metadata.labels).toEqual({ in: 'yes', v: '2' });
  });

  it('of one name tells of that alone', async () => {
    const { create, watch } = server();
    const events = await watch('fieldSelector=metadata.name%3Dy');
    await create('x');
    await create('y');
    expect((await events.take(1)).map(brief)).toEqual(['ADDED y 2']);
  });

  it('whose history is gone says so in one event, and ends', async () => {
    const { create, watch, storage } = server();
    await create('x');
    await create('y');
    storage.forget();
    const events = await watch(`resourceVersion=${nth(1)}`);
    expect(await events.next()).toEqual({
      type: 'ERROR',
      object: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: `too old resource version: ${nth(1)} (${nth(2)})`,
        reason: 'Expired',
        code: 410,
      },
    });
    expect(await events.next()).toBeUndefined();
  });

  it('from a number that was never given out is told to list again', async () => {
    const { watch } = server();
    const events = await watch('resourceVersion=99');
    expect(await events.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect(await events.next()).toBeUndefined();
  });

  it('keeps an error a Status when objects are Tables', async () => {
    const { watch } = server();
    const events = await watch('resourceVersion=99', { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
    expect(await events.next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status' } });
  });

  it('ends cleanly after timeoutSeconds, and leaves nothing behind', async () => {
    const { watch, clock } = server();
    const events = await watch('timeoutSeconds=10');
    const next = events.next();
    await clock.pass(9_999);
    expect(clock.sleepers).toBe(1);
    await clock.pass(1);
    expect(await next).toBeUndefined();
    expect(clock.sleepers).toBe(0);
  });

  it('ends by itself within an hour, not before half of it', async () => {
    const { watch, clock } = server();
    const next = (await watch()).next();
    let ended = false;
    void next.then(() => (ended = true));
    await clock.pass(30 * 60_000 - 1);
    expect(ended).toBe(false);
    await clock.pass(30 * 60_000 + 1);
    expect(ended).toBe(true);
  });

  it('ends when the client goes away', async () => {
    const { watch, clock } = server();
    const leave = new AbortController();
    const next = (await watch('allowWatchBookmarks=true', { signal: leave.signal })).next();
    await settled();
    leave.abort(new Error('gone'));
    expect(await next).toBeUndefined();
    expect(clock.sleepers).toBe(0);
  });

  it('ends cleanly when the store goes away', async () => {
    const { watch, storage } = server();
    const next = (await watch()).next();
    await settled();
    storage.close();
    expect(await next).toBeUndefined();
  });

  describe('sends bookmarks', () => {
    it('each minute and shortly before the end, with the number up to which all is told', async () => {
      const { create, watch, clock, request } = server();
      await create('x');
      const events = await watch(`allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion=${nth(1)}`);
      const next = events.next();
      await request('POST', '/api/v1/planets', { body: { metadata: { name: 'p' } } });
      await clock.pass(59_999);
      await clock.pass(1);
      expect(await next).toEqual({
        type: 'BOOKMARK',
        object: { kind: 'Thing', apiVersion: 'example.io/v1', metadata: { resourceVersion: String(nth(2)), creationTimestamp: null } },
      });
      const last = events.next();
      await clock.pass(28_000);
      expect(await last).toMatchObject({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(nth(2)) } } });
      const end = events.next();
      await clock.pass(2_000);
      expect(await end).toBeUndefined();
    });

    it('never ahead of an event that was not told', async () => {
      const { create, watch, clock } = server();
      const events = await watch('allowWatchBookmarks=true&resourceVersion=0');
      const first = events.next();
      await create('x');
      expect(brief((await first)!)).toBe('ADDED x 1');
      await create('y');
      await create('z');
      await clock.pass(60_000);
      const seen = await events.take(3);
      const bookmarkAt = seen.findIndex(({ type }) => type === 'BOOKMARK');
      const told = seen.slice(0, bookmarkAt).filter(({ type }) => type === 'ADDED').length;
      expect(Number(seen[bookmarkAt]?.object.metadata.resourceVersion)).toBe(nth(told + 1));
    });

    it('never unasked', async () => {
      const { watch, clock } = server();
      const next = (await watch('timeoutSeconds=300')).next();
      await clock.pass(300_000);
      expect(await next).toBeUndefined();
    });
  });

  describe('as a streaming list', () => {
    const streaming = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const end = (rv: number, kind = 'Thing', apiVersion = 'example.io/v1') => ({
      type: 'BOOKMARK',
      object: {
        kind,
        apiVersion,
        metadata: { resourceVersion: String(rv), creationTimestamp: null, annotations: { 'k8s.io/initial-events-end': 'true' } },
      },
    });

    it('tells the state, marks its end, and goes on', async () => {
      const { create, watch } = server();
      await create('x');
      const events = await watch(streaming);
      expect((await events.take(1)).map(brief)).toEqual(['ADDED x 1']);
      expect(await events.next()).toEqual(end(nth(1)));
      await create('y');
      expect((await events.take(1)).map(brief)).toEqual(['ADDED y 2']);
    });

    it('marks the end at once when there is nothing', async () => {
      const { watch, create, remove } = server();
      await create('x');
      await remove('x');
      expect(await (await watch(streaming)).next()).toEqual(end(nth(2)));
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
      expect(await (await watch(`${streaming}&resourceVersion=${nth(1)}`, { accept })).next()).toEqual(
        end(nth(2), 'PartialObjectMetadata', 'meta.k8s.io/v1'),
      );
    });

    it.each(['resourceVersion=0', `resourceVersion=${nth(1)}`])('with %s is as new as that', async (version) => {
      const { create, watch } = server();
      await create('x');
      await create('y');
      const events = await watch(`${streaming}&${version}`);
      expect((await events.take(2)).map(brief)).toEqual(['ADDED x 1', 'ADDED y 2']);
      expect(await events.next()).toEqual(end(nth(2)));
    });

    it('has no mark where nobody asked for bookmarks', async () => {
      const { create, watch } = server();
      await create('x');
      const events = await watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan');
      await create('y');
      expect((await events.take(2)).map(brief)).toEqual(['ADDED x 1', 'ADDED y 2']);
    });

    it('that is none goes on from the number that was asked for', async () => {
      const { create, watch } = server();
      await create('x');
      await create('y');
      const events = await watch(`sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=${nth(1)}`);
      expect((await events.take(1)).map(brief)).toEqual(['ADDED y 2']);
    });

    it('sends no state when asked not to', async () => {
      const { watch, create } = server();
      await create('x');
      const events = await watch('sendInitialEvents=false&resourceVersionMatch=NotOlderThan');
      await create('y');
      expect((await events.take(1)).map(brief)).toEqual(['ADDED y 2']);
    });

    it.each([
      [
        'sendInitialEvents=true',
        'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      ],
      [
        'resourceVersionMatch=NotOlderThan',
        'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ],
      [
        'sendInitialEvents=true&resourceVersionMatch=Exact',
        'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"',
      ],
      ['continue=x', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided'],
    ])('refuses %s with 422', async (query, message) => {
      const { request } = server();
      const { status } = await request('GET', `${thingPath}?watch=1&${query}`);
      expect(status).toMatchObject({ code: 422, details: { group: 'meta.k8s.io', kind: 'ListOptions' } });
      expect(status.message).toContain(message);
    });

    it('of a state that is not there yet is 504', async () => {
      const { request } = server();
      const { status } = await request('GET', `${thingPath}?watch=1&${streaming}&resourceVersion=99`);
      expect(status).toMatchObject({ code: 504, details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } });
    });
  });

  it('of things that outlive it tells the namespace controller nothing', async () => {
    const { answer, request, clock } = createServer({ rules: { outlivesNamespace: () => true } });
    await request('POST', thingPath, { body: { metadata: { name: 'x' } } });
    const user = { name: 'system:kube-controller-manager', groups: [], extra: {} };
    const events = readWatch((await answer('GET', `${thingPath}?watch=1&timeoutSeconds=5`, { user })).answer);
    const next = events.next();
    await clock.pass(5000);
    expect(await next).toBeUndefined();
  });
});
