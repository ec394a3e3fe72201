/** Between a client and its store: answers that are lost, connections that are cut, slow, refused, or silent. */
import { expect, it } from 'vitest';
import type { TestContext } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { randomIds } from '../../../src/base/ids.ts';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreNotFound, StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { retrying } from '../../../src/objectstore/wrappers/retrying.ts';
import type { Fault } from '../flaky-proxy.ts';
import { required } from './skips.ts';
import { bytes, collect, inPieces, patience, pattern, sha256, signal, textOf } from './subject.ts';
import type { Subject } from './subject.ts';

const MiB = 1024 * 1024;

/** What one upload may hold in memory. */
const mostHeld = 64;

interface Line {
  readonly client: ObjectStore;
  /** What happens to requests from now on: to all of them, or to so many. */
  fail(fault: Fault, times?: number): void;
  /** How many requests have come since the last `fail`. */
  readonly requests: number;
}

/** A client whose requests go through until the test says otherwise. */
async function lineOf(subject: Subject, context: TestContext): Promise<Line> {
  const { made } = subject;
  const state: { fault: Fault | undefined; times: number; requests: number } = { fault: undefined, times: 0, requests: 0 };
  const client = await required(context, made, 'a network', made.network).through(() =>
    ++state.requests <= state.times ? state.fault : undefined,
  );
  return {
    client,
    fail: (fault, times = Number.POSITIVE_INFINITY) => Object.assign(state, { fault, times, requests: 0 }),
    get requests() {
      return state.requests;
    },
  };
}

const brief = () => AbortSignal.timeout(20_000);

export function describeNetwork(subject: Subject): void {
  it('does not know what became of a create whose answer was lost, sends it once, and reading tells', async (context) => {
    const line = await lineOf(subject, context);
    line.fail({ is: 'lose-response' });
    await expect(line.client.putIfAbsent('k', bytes('mine'), brief())).rejects.toBeInstanceOf(StoreUnavailable);
    expect(line.requests).toBe(1);
    expect(textOf(await subject.other.read('k', signal))).toBe('mine');
    line.fail({ is: 'lose-response' }, 0);
    expect(await line.client.putIfAbsent('k', bytes('mine'), signal)).toBe('exists');
  });

  it('has done nothing of a create that was cut on its way', async (context) => {
    const line = await lineOf(subject, context);
    line.fail({ is: 'cut-request', after: 100_000 });
    const create = line.client.putIfAbsent('a/k', pattern(MiB), brief());
    await expect(create).rejects.toSatisfy((error) => error instanceof StoreUnavailable && error.message.includes('a/k'));
    expect(line.requests).toBe(1);
    expect(await subject.other.size('a/k', signal)).toBeUndefined();
    expect(await subject.other.putIfAbsent('a/k', bytes('other'), signal)).toBe('created');
  });

  it('shows nothing of an upload that was cut on its way', { timeout: patience }, async (context) => {
    required(context, subject.made, 'parts that are asked for', true);
    const line = await lineOf(subject, context);
    line.fail({ is: 'cut-request', after: 500_000 });
    await expect(line.client.upload('k', inPieces(pattern(24 * MiB), MiB), brief())).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await subject.other.size('k', signal)).toBeUndefined();
    expect(await collect(subject.other.list('', signal))).toEqual([]);
  });

  it('never takes half an answer for a whole one', async (context) => {
    const line = await lineOf(subject, context);
    await subject.other.putIfAbsent('k', pattern(3 * MiB), signal);
    line.fail({ is: 'cut-response', after: MiB });
    await expect(line.client.read('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(line.client.read('k', brief(), { start: 5, length: 2 * MiB })).rejects.toBeInstanceOf(StoreUnavailable);
    const streamed = (async () => collect((await line.client.stream('k', brief())).body))();
    await expect(streamed).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('never takes half a list for a whole one', async (context) => {
    const line = await lineOf(subject, context);
    await Promise.all(Array.from({ length: 30 }, (_, i) => subject.other.putIfAbsent(`list/${i}`, bytes(''), signal)));
    line.fail({ is: 'cut-response', after: 1000 });
    await expect(collect(line.client.list('list/', brief()))).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('goes on with a stream where it was cut, twice, when it is tried again', { timeout: patience }, async (context) => {
    const line = await lineOf(subject, context);
    const whole = pattern(5 * MiB);
    await subject.other.putIfAbsent('k', whole, signal);
    line.fail({ is: 'cut-response', after: 2 * MiB }, 2);
    const { body } = await retrying(line.client, { clock: systemClock, ids: randomIds }).stream('k', brief(), { start: 3 });
    expect(sha256(Buffer.concat(await collect(body)))).toBe(sha256(whole.subarray(3)));
  });

  it.for([503, 500, 429])('takes the answer %d for something that may pass', async (status, context) => {
    const line = await lineOf(subject, context);
    line.fail({ is: 'answer', status });
    await expect(line.client.putIfAbsent('k', bytes('x'), brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(line.client.read('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(line.client.size('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(collect(line.client.list('', brief()))).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('takes the answer 403 for a no', async (context) => {
    const line = await lineOf(subject, context);
    line.fail({ is: 'answer', status: 403 });
    await expect(line.client.putIfAbsent('k', bytes('x'), brief())).rejects.toBeInstanceOf(StoreDenied);
    await expect(line.client.read('k', brief())).rejects.toBeInstanceOf(StoreDenied);
    await expect(collect(line.client.list('', brief()))).rejects.toBeInstanceOf(StoreDenied);
  });

  it('says of everything that it is not available while connections are refused, and works again afterwards', async (context) => {
    const line = await lineOf(subject, context);
    line.fail({ is: 'refuse' });
    const { client } = line;
    await expect(client.putIfAbsent('k', bytes('x'), brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(client.upload('k', inPieces(bytes('x'), 1), brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(client.read('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(client.stream('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(client.size('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(client.delete('k', brief())).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(collect(client.list('', brief()))).rejects.toBeInstanceOf(StoreUnavailable);
    line.fail({ is: 'refuse' }, 0);
    await expect(client.read('k', signal)).rejects.toBeInstanceOf(StoreNotFound);
    expect(await client.putIfAbsent('k', bytes('x'), signal)).toBe('created');
  });

  it('ends at once when its signal aborts, though the store is silent', async (context) => {
    const line = await lineOf(subject, context);
    line.fail({ is: 'hang' });
    const { client } = line;
    const stopped = async (work: (stop: AbortSignal) => Promise<unknown>) => {
      const stop = new AbortController();
      const since = systemClock.monotonic();
      const ended = expect(work(stop.signal)).rejects.toThrow('stopped');
      setTimeout(() => stop.abort(new Error('stopped')), 30);
      await ended;
      expect(systemClock.monotonic() - since).toBeLessThan(3000);
    };
    await stopped((stop) => client.putIfAbsent('k', bytes('x'), stop));
    await stopped((stop) => client.upload('k', inPieces(bytes('xyz'), 1), stop));
    await stopped((stop) => client.read('k', stop));
    await stopped((stop) => client.stream('k', stop));
    await stopped((stop) => client.size('k', stop));
    await stopped((stop) => client.delete('k', stop));
    await stopped((stop) => collect(client.list('', stop)));
  });

  it('is slow where the network is, and right', { timeout: patience }, async (context) => {
    const line = await lineOf(subject, context);
    const whole = pattern(MiB);
    line.fail({ is: 'slow', bytesPerSecond: 4 * MiB });
    expect(await line.client.putIfAbsent('put', whole, brief())).toBe('created');
    expect(await line.client.upload('up', inPieces(whole, 10_000), brief())).toEqual({ bytes: MiB, sha256: sha256(whole) });
    for (const key of ['put', 'up']) expect(sha256(await line.client.read(key, brief()))).toBe(sha256(whole));
  });

  it(`holds at most ${mostHeld} MiB of an upload while the store takes nothing`, async (context) => {
    const line = await lineOf(subject, context);
    const stop = new AbortController();
    let given = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; given < 4 * mostHeld; given++) yield new Uint8Array(MiB);
    }
    line.fail({ is: 'hang' });
    const upload = expect(line.client.upload('k', source(), stop.signal)).rejects.toThrow('stopped');
    for (let before = -1; before !== given; await systemClock.sleep(300, signal)) before = given;
    stop.abort(new Error('stopped'));
    await upload;
    expect(given).toBeLessThanOrEqual(mostHeld);
  });
}
