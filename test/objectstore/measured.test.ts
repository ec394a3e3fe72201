import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/base/metrics.ts';
import { measured } from '../../src/objectstore/wrappers/measured.ts';
import { StoreFull, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { ManualClock } from '../manual-clock.ts';
import { storeWith } from './liars.ts';

const signal = AbortSignal.any([]);

describe('measured', () => {
  it('counts requests by operation and outcome, and bytes', async () => {
    const metrics = createMetrics();
    const store = measured(
      storeWith(() => ({}), new Map([['k', Buffer.from('0123456789')]])),
      { clock: new ManualClock(), metrics },
    );
    await store.putIfAbsent('a', Buffer.from('abc'), signal);
    await store.putIfAbsent('a', Buffer.from('abc'), signal);
    await store.read('k', signal);
    await expect(store.read('none', signal)).rejects.toThrow('none');
    await expect(store.read('k', signal, { start: 99 })).rejects.toThrow('k');
    await expect(store.read('k', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    for await (const _ of (await store.stream('k', signal, { start: 5 })).body);
    for await (const _ of store.list('', signal)) break;
    await store.upload('u', pieces(), signal);
    const { body } = await metrics.text();
    for (const [operation, outcome] of [
      ['put', 'created'],
      ['put', 'exists'],
      ['read', 'ok'],
      ['read', 'not_found'],
      ['read', 'range'],
      ['read', 'aborted'],
      ['stream', 'ok'],
      ['list', 'ok'],
      ['upload', 'ok'],
    ])
      expect(body).toContain(`kylon_objectstore_requests_total{operation="${operation}",outcome="${outcome}"} 1`);
    expect(body).toContain('kylon_objectstore_bytes_total{direction="sent"} 10');
    expect(body).toContain('kylon_objectstore_bytes_total{direction="received"} 15');
  });

  it('counts a stream that breaks, once', async () => {
    const metrics = createMetrics();
    const broken = storeWith(() => ({ stream: async () => ({ size: 9, body: breaking() }), putIfAbsent: full }));
    const store = measured(broken, { clock: new ManualClock(), metrics });
    const { body } = await store.stream('k', signal);
    await expect(body[Symbol.asyncIterator]().next()).rejects.toThrow('cut');
    await expect(store.putIfAbsent('k', new Uint8Array(), signal)).rejects.toThrow('full');
    const text = (await metrics.text()).body;
    expect(text.match(/^kylon_objectstore_requests_total.*$/gm)).toEqual([
      'kylon_objectstore_requests_total{operation="stream",outcome="unavailable"} 1',
      'kylon_objectstore_requests_total{operation="put",outcome="full"} 1',
    ]);
  });

  it('counts the seconds in which the store is waited for, not those of the reader', async () => {
    const metrics = createMetrics();
    const clock = new ManualClock();
    const slow = storeWith(() => ({
      stream: async () => {
        await clock.pass(1000);
        return { size: 2, body: slowly(clock) };
      },
    }));
    const { body } = await measured(slow, { clock, metrics }).stream('k', signal);
    for await (const _ of body) await clock.pass(60_000);
    expect((await metrics.text()).body).toContain('kylon_objectstore_request_duration_seconds_sum{operation="stream"} 5');
  });
});

const full = () => Promise.reject(new StoreFull('full'));

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('1234');
}

async function* breaking(): AsyncGenerator<Uint8Array> {
  yield* [];
  throw new StoreUnavailable('cut');
}

async function* slowly(clock: ManualClock): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 2; i++) {
    await clock.pass(2000);
    yield new Uint8Array(1);
  }
}
