import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import {
  StoreConflict,
  StoreDenied,
  StoreError,
  StoreFull,
  StoreNotFound,
  StoreRange,
  StoreUnavailable,
} from '../../src/objectstore/objectstore.ts';
import { startCannedServer } from './canned-server.ts';
import type { Answer, Canned } from './canned-server.ts';
import { crcOf, emptyList, errorBody, mediaOf, metadataOf, open, opened } from './gcs-server.ts';

const signal = AbortSignal.any([]);
const MiB = 1024 * 1024;

async function* pieces(...contents: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* contents;
}

const operations: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['putIfAbsent', (store) => store.putIfAbsent('k', Buffer.from('x'), signal)],
  ['read', (store) => store.read('k', signal)],
  ['size', (store) => store.size('k', signal)],
  ['delete', (store) => store.delete('k', signal)],
];

describe('what a gs store makes of an answer', () => {
  it.each<[number, unknown, typeof StoreError]>([
    [401, '', StoreDenied],
    [403, '', StoreDenied],
    [403, errorBody('no', 'quotaExceeded'), StoreFull],
    [403, errorBody('slower', 'rateLimitExceeded'), StoreUnavailable],
    [404, errorBody('The specified bucket does not exist.', 'notFound'), StoreError],
    [408, '', StoreUnavailable],
    [409, '', StoreUnavailable],
    [429, '', StoreUnavailable],
    [500, '', StoreUnavailable],
    [504, '', StoreUnavailable],
    [400, errorBody('bad', 'invalid'), StoreError],
    [400, errorBody(`Provided CRC32C "a" doesn't match calculated CRC32C "b".`, 'invalid'), StoreUnavailable],
    [307, '', StoreError],
  ])('%d %j, once asked', async (status, body, Class) => {
    await using gs = await opened(() => ({ status, body }));
    for (const [name, operation] of operations) {
      const sent = gs.sent().length;
      const error: unknown = await operation(gs.store).catch((error: unknown) => error);
      expect(error, name).toBeInstanceOf(Class);
      if (Class === StoreError) expect(Object.getPrototypeOf(error), name).toBe(StoreError.prototype);
      expect(String(error)).toMatch(/gs:\/\/bucket\/pre\/fix: cannot (write|read|delete) k: /);
      expect(gs.sent().length, `requests of ${name}`).toBe(sent + 1);
    }
  });

  it('an answer that is lost: unknown, and asked once', async () => {
    await using gs = await opened(() => 'cut');
    for (const [i, [, operation]] of operations.entries()) {
      await expect(operation(gs.store)).rejects.toThrow(/no answer from http:\/\/127.0.0.1:\d+ \(/);
      expect(gs.sent()).toHaveLength(i + 1);
    }
  });

  it('silence: unknown, after a minute', async () => {
    const clock = { ...systemClock, sleep: (ms: number, stop: AbortSignal) => systemClock.sleep(ms / 1000, stop) };
    await using gs = await opened(() => 'silence', { clock });
    for (const [, operation] of operations) {
      const working = operation(gs.store);
      await expect(working).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(working).rejects.toThrow('no answer within 60 s');
    }
  });

  it('404 without a word about the bucket: the key is missing', async () => {
    await using gs = await opened(() => ({ status: 404, body: 'No such object: bucket/pre/fix/k' }));
    await expect(gs.store.read('k', signal)).rejects.toBeInstanceOf(StoreNotFound);
    expect(await gs.store.size('k', signal)).toBeUndefined();
    await gs.store.delete('k', signal);
    await expect(gs.store.putIfAbsent('k', Buffer.from('x'), signal)).rejects.toThrow('the bucket bucket does not exist');
  });
});

describe('a create on gs', () => {
  const body = Buffer.from('--content\r\n');

  it('is one conditional request with its checksum, and 412 says that the key exists', async () => {
    await using gs = await opened((request) =>
      gs.sent().length === 1
        ? { status: 200, body: { crc32c: crcOf(mediaOf(request)) } }
        : { status: 412, body: errorBody('no', 'conditionNotMet') },
    );
    expect(await gs.store.putIfAbsent('a/k', body, signal)).toBe('created');
    expect(await gs.store.putIfAbsent('a/k', body, signal)).toBe('exists');
    const [first] = gs.sent();
    if (first === undefined) throw new Error('nothing was sent');
    expect(Object.fromEntries(first.url.searchParams)).toEqual({ name: 'pre/fix/a/k', uploadType: 'multipart', ifGenerationMatch: '0' });
    expect(mediaOf(first)).toEqual(body);
    expect(metadataOf(first)).toMatchObject({ crc32c: crcOf(body), cacheControl: 'no-store' });
  });

  it('of which the service has other bytes is unknown, and nothing is deleted', async () => {
    await using gs = await opened(() => ({ status: 200, body: { crc32c: 'AAAAAA==' } }));
    const put = gs.store.putIfAbsent('k', body, signal);
    await expect(put).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(put).rejects.toThrow('the service has other bytes than were sent');
    expect(gs.sent().map(({ method }) => method)).toEqual(['POST']);
  });
});

describe('an upload to gs', () => {
  const small = Buffer.from('small');

  it.each([200, undefined])('whose last answer is lost is done if the object says so: %s', async (status) => {
    await using gs = await opened((request) => {
      const { metadata } = gs.sent().map(metadataOf)[0] ?? {};
      if (request.method === 'GET') return status ? { status, body: { metadata, crc32c: crcOf(small) } } : { status: 404 };
      return 'cut';
    });
    const upload = gs.store.upload('k', pieces(small), signal);
    if (status) expect(await upload).toEqual({ bytes: 5, sha256: createHash('sha256').update(small).digest('hex') });
    else await expect(upload).rejects.toBeInstanceOf(StoreUnavailable);
    expect(gs.sent().map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  it('is not taken for done when the object is that of another', async () => {
    await using gs = await opened(({ method }) =>
      method === 'GET' ? { status: 200, body: { metadata: { attempt: 'other' }, crc32c: crcOf(small), generation: '7' } } : { status: 503 },
    );
    await expect(gs.store.upload('k', pieces(small), signal)).rejects.toThrow('the service answers 503');
    expect(gs.sent().map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  it('removes an object of its own that holds other bytes, and no other generation of it', async () => {
    await using gs = await opened(({ method }) => {
      const { metadata } = gs.sent().map(metadataOf)[0] ?? {};
      if (method === 'DELETE') return { status: 204 };
      return { status: 200, body: { metadata, crc32c: 'AAAAAA==', generation: '7' } };
    });
    await expect(gs.store.upload('k', pieces(small), signal)).rejects.toThrow('other bytes than were sent');
    expect(gs.sent().map(({ method }) => method)).toEqual(['POST', 'GET', 'DELETE']);
    expect(gs.sent().at(-1)?.url.searchParams.get('ifGenerationMatch')).toBe('7');
  });

  /** A session that keeps at most `most` bytes of a request, and what it got. */
  function session(most: number, last: (whole: Buffer) => Canned | 'cut') {
    const state = { whole: Buffer.alloc(0), hash: '' };
    const answer: Answer = ({ method, headers, body }) => {
      if (method === 'POST') return { status: 200, headers: { location: 'https://elsewhere.invalid/upload/session?upload_id=1' } };
      if (method !== 'PUT') return { status: 204 };
      const kept: Canned = { status: 308, headers: state.whole.length === 0 ? {} : { range: `bytes=0-${state.whole.length - 1}` } };
      if (headers['content-range'] === 'bytes */*') return kept;
      const [, start, total] = /^bytes (\d+)-\d+\/(.+)$/.exec(headers['content-range'] ?? '') ?? [];
      expect(Number(start)).toBe(state.whole.length);
      state.whole = Buffer.concat([state.whole, body.subarray(0, most)]);
      state.hash = String(headers['x-goog-hash']);
      if (Number(total) === state.whole.length) return last(state.whole);
      return { status: 308, headers: { range: `bytes=0-${state.whole.length - 1}` } };
    };
    return { answer, state };
  }
  const large = Buffer.alloc(9 * MiB, 'abcdefg');

  it.each([100 * MiB, 3 * MiB])(
    'that is large goes in chunks, what the service did not keep once more, with its checksum at the end: %d',
    async (most) => {
      const { answer, state } = session(most, (whole) => ({ status: 200, body: { crc32c: crcOf(whole) } }));
      await using gs = await opened(answer);
      const sha256 = createHash('sha256').update(large).digest('hex');
      expect(await gs.store.upload('k', pieces(large), signal)).toEqual({ bytes: large.length, sha256 });
      expect(state.whole.equals(large)).toBe(true);
      expect(state.hash).toBe(`crc32c=${crcOf(large)}`);
      const [first, second] = gs.sent();
      expect(first?.url.searchParams.get('ifGenerationMatch')).toBe('0');
      expect(second?.url.href).toBe('http://server/upload/session?upload_id=1');
    },
  );

  it.each(['before', 'after'])('that is large goes on where it was when an answer is lost %s the chunk was kept', async (when) => {
    const { answer, state } = session(100 * MiB, (whole) => ({ status: 200, body: { crc32c: crcOf(whole) } }));
    let puts = 0;
    await using gs = await opened((request) => {
      const isLost = request.method === 'PUT' && ++puts === 2;
      if (isLost && when === 'before') return 'cut';
      const answered = answer(request);
      return isLost ? 'cut' : answered;
    });
    expect((await gs.store.upload('k', pieces(large), signal)).bytes).toBe(large.length);
    expect(state.whole.equals(large)).toBe(true);
  });

  it.each<[Canned | 'cut', typeof StoreError]>([
    [{ status: 412 }, StoreConflict],
    [{ status: 503 }, StoreUnavailable],
    ['cut', StoreUnavailable],
  ])('that is large and fails at its end (%j) is cancelled', async (last, Class) => {
    const { answer } = session(100 * MiB, () => last);
    await using gs = await opened(answer);
    await expect(gs.store.upload('k', pieces(large), signal)).rejects.toBeInstanceOf(Class);
    await expect.poll(() => gs.sent().at(-1)?.method).toBe('DELETE');
    expect(gs.sent().at(-1)?.url.pathname).toBe('/upload/session');
  });

  it('of a source that fails is cancelled, with the error of the source', async () => {
    const { answer } = session(100 * MiB, () => ({ status: 200 }));
    await using gs = await opened(answer);
    async function* source() {
      yield large;
      throw new Error('the source broke');
    }
    await expect(gs.store.upload('k', source(), signal)).rejects.toThrow('the source broke');
    await expect.poll(() => gs.sent().at(-1)?.method).toBe('DELETE');
  });

  it.each([200, 404, 410])('that the service drops on its way (%d) may pass, and says nothing of the bucket', async (status) => {
    const { answer } = session(100 * MiB, () => ({ status: 200 }));
    await using gs = await opened((request) => (request.method === 'PUT' ? { status } : answer(request)));
    const upload = gs.store.upload('k', pieces(large), signal);
    await expect(upload).rejects.toSatisfy((error) => error instanceof StoreUnavailable && !error.message.includes('does not exist'));
  });

  it('gives up on a service that keeps nothing', async () => {
    const { answer } = session(0, () => ({ status: 200 }));
    await using gs = await opened(answer);
    await expect(gs.store.upload('k', pieces(large), signal)).rejects.toThrow('the service lost a part');
  });
});

describe('reading from gs', () => {
  it('takes only what was asked for', async () => {
    const answers: Canned[] = [
      { status: 200, body: '0123456789' },
      { status: 206, headers: { 'content-range': 'bytes 3-4/10' }, body: '34' },
      { status: 206, headers: { 'content-range': 'bytes 2-4/10' }, body: '234' },
    ];
    for (const [i, answer] of answers.entries()) {
      await using gs = await opened(() => answer);
      const reading = gs.store.read('k', signal, { start: 2, length: 3 });
      if (i === 2) expect(Buffer.from(await reading).toString()).toBe('234');
      else await expect(reading).rejects.toThrow('holds another range');
      expect(gs.sent()[0]?.headers).toMatchObject({ range: 'bytes=2-4', 'accept-encoding': expect.stringMatching(/^identity\b/) });
    }
  });

  it('tells the size when a range begins behind the end', async () => {
    await using gs = await opened(({ headers }) => (headers.range ? { status: 416 } : { status: 200, body: { size: '10' } }));
    const range = { start: 10 };
    await expect(gs.store.read('k', signal, range)).rejects.toSatisfy((error) => error instanceof StoreRange && error.size === 10);
  });

  it('refuses a body that is not as long as announced', async () => {
    await using gs = await opened(() => ({ status: 206, headers: { 'content-range': 'bytes 0-9/10' }, body: '01234' }));
    await expect(gs.store.read('k', signal, { start: 0 })).rejects.toThrow('the answer is shorter than announced');
  });
});

describe('a list of gs', () => {
  it('goes through the pages, without the key it starts after and without what is no key', async () => {
    const pages: Readonly<Record<string, unknown>> = {
      '': {
        items: [
          { name: 'pre/fix/a', size: '1' },
          { name: 'pre/fix/b', size: '2' },
        ],
        nextPageToken: 'two',
      },
      two: {
        items: [
          { name: 'pre/fix/d/', size: '0' },
          { name: 'pre/fix/c d', size: '0' },
        ],
        nextPageToken: 'three',
      },
      three: { items: [{ name: 'pre/fix/e', size: '5' }] },
    };
    await using server = await startCannedServer(({ url }) => ({ status: 200, body: pages[url.searchParams.get('pageToken') ?? ''] }));
    const store = await open(server);
    const listed = [];
    for await (const item of store.list('', signal, 'a')) listed.push(item);
    expect(listed).toEqual([
      { key: 'b', size: 2 },
      { key: 'e', size: 5 },
    ]);
    const [, first] = server.received;
    expect(Object.fromEntries(first?.url.searchParams ?? [])).toMatchObject({
      prefix: 'pre/fix/',
      startOffset: 'pre/fix/a',
      maxResults: '1000',
    });
  });

  it('is refused when a page is none', async () => {
    let asked = 0;
    await using server = await startCannedServer(() =>
      asked++ === 0 ? emptyList : { status: 200, body: { items: [{ name: 'pre/fix/a' }] } },
    );
    const store = await open(server);
    const listing = (async () => {
      for await (const { key } of store.list('', signal)) expect(key).toBeUndefined();
    })();
    await expect(listing).rejects.toThrow('the answer is not one of Google Cloud Storage');
  });
});
