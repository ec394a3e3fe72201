/** Uploads to S3: by one request or in parts, and what becomes of those that fail. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { StoreError } from '../../src/objectstore/objectstore.ts';
import { StoreConflict, StoreDamaged, StoreDenied, StoreFull, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { chunksOfPart } from '../../src/objectstore/s3/s3-upload.ts';
import { inPieces, pattern, sha256 } from '../conformance/objectstore/subject.ts';
import { settled } from '../manual-clock.ts';
import { checksumOf, faultOf, s3Bucket } from './s3-bucket.ts';
import type { Answerer, Asked } from './s3-server.ts';
import { failure } from './s3-server.ts';

const MiB = 1024 * 1024;
const signal = AbortSignal.any([]);
const body = Buffer.from('content');
const bucket = s3Bucket();

describe('an upload to S3', () => {
  let stored: Map<number, Buffer>;
  beforeEach(() => {
    stored = new Map();
  });

  /** A store that keeps one upload, except where `instead` answers. */
  const keeping = (instead: (asked: Asked) => ReturnType<Answerer> | undefined): Answerer => {
    let attempt = '';
    return (asked) => {
      const { method, path, headers, body: sent } = asked;
      attempt = String(headers['x-amz-meta-kylon-attempt'] ?? attempt);
      const number = Number(/partNumber=(\d+)/.exec(path)?.[1] ?? 1);
      const other = instead(asked);
      if (other !== undefined) return other;
      if (path.includes('uploads'))
        return { body: '<InitiateMultipartUploadResult><UploadId>id-1</UploadId></InitiateMultipartUploadResult>' };
      if (method === 'PUT') stored.set(number, sent);
      const bytes = [...stored.values()].reduce((sum, { length }) => sum + length, 0);
      if (method === 'HEAD') return { headers: { 'content-length': String(bytes), 'x-amz-meta-kylon-attempt': attempt } };
      if (method === 'POST') return { body: '<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>' };
      return method === 'DELETE' ? { status: 204 } : { headers: { etag: `"${number}"` } };
    };
  };
  const asked = () =>
    bucket.server.asked.map(
      ({ method, path }) => `${method} ${path.replace(/\?.*?((uploads|partNumber|uploadId).*)/, ' $1').replace(/[?&]x-id=\w+/, '')}`,
    );
  const large = pattern(17 * MiB);

  it('sends what fits into one part by one request, and looks at what was stored', async () => {
    const store = await bucket.open();
    bucket.server.answer(keeping(() => undefined));
    expect(await store.upload('k', inPieces(pattern(8 * MiB), MiB), signal)).toEqual({ bytes: 8 * MiB, sha256: sha256(pattern(8 * MiB)) });
    expect(asked()).toEqual(['PUT /prefix/k', 'HEAD /prefix/k']);
    expect(bucket.server.asked[0]?.headers['if-none-match']).toBe('*');
  });

  it('sends more in parts with their checksums, and the condition with the last request', async () => {
    const store = await bucket.open('&sse=AES256');
    bucket.server.answer(keeping(() => undefined));
    expect(await store.upload('k', inPieces(large, 999_999), signal)).toEqual({ bytes: large.length, sha256: sha256(large) });
    expect(Buffer.concat([1, 2, 3].map((number) => stored.get(number) ?? Buffer.alloc(0))).equals(large)).toBe(true);
    for (const { headers, body: sent } of bucket.server.asked.filter(({ path }) => path.includes('partNumber'))) {
      expect(headers['x-amz-checksum-crc32']).toBe(checksumOf(sent));
      expect(headers['x-amz-trailer']).toBeUndefined();
    }
    const start = bucket.server.asked[0] as Asked;
    expect([start.headers['x-amz-server-side-encryption'], start.headers['x-amz-checksum-algorithm']]).toEqual(['AES256', 'CRC32']);
    const complete = bucket.server.asked.find(({ method, path }) => method === 'POST' && path.includes('uploadId')) as Asked;
    expect(complete.headers['if-none-match']).toBe('*');
    expect(complete.body.toString().match(/<ChecksumCRC32>/g)).toHaveLength(3);
  });

  it.each<[string, (asked: Asked) => ReturnType<Answerer> | undefined, typeof StoreError]>([
    ['a part is refused', ({ path }) => (path.includes('partNumber=2') ? failure(403, 'AccessDenied') : undefined), StoreDenied],
    [
      'a part arrives damaged',
      ({ path }) => (path.includes('partNumber=2') ? { headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } } : undefined),
      StoreDamaged,
    ],
    ['a part is cut', ({ path }) => (path.includes('partNumber=3') ? 'cut' : undefined), StoreUnavailable],
    ['the store is full', ({ path }) => (path.includes('partNumber=1') ? failure(507, 'XMinioStorageFull') : undefined), StoreFull],
    [
      'the key is taken',
      ({ method }) => (method === 'POST' ? failure(412, 'PreconditionFailed') : method === 'HEAD' ? { status: 404 } : undefined),
      StoreConflict,
    ],
  ])('removes its parts when %s', async (_, instead, kind) => {
    const store = await bucket.open();
    bucket.server.answer(keeping((one) => (one.path.includes('uploads') ? undefined : instead(one))));
    const fault = await faultOf(store.upload('k', inPieces(large, MiB), signal));
    expect(fault.constructor).toBe(kind);
    expect(asked()).toContain('DELETE /prefix/k uploadId=id-1');
  });

  it('removes its parts when it is aborted, and waits for that no longer than a moment', async () => {
    const store = await bucket.open();
    const stop = new AbortController();
    bucket.server.answer(
      keeping(({ path }) => {
        if (!path.includes('partNumber=2')) return undefined;
        stop.abort(new Error('stopped'));
        return 'hang';
      }),
    );
    await expect(store.upload('k', inPieces(large, MiB), stop.signal)).rejects.toThrow('stopped');
    expect(asked()).toContain('DELETE /prefix/k uploadId=id-1');
  });

  it.each([
    ['one request', pattern(1000)],
    ['parts', large],
  ])('of %s is known to have happened when its last answer is lost and the object bears its mark', async (_, whole) => {
    const store = await bucket.open();
    const lost = ({ method, path, body: sent }: Asked) => {
      if (whole.length < MiB && method === 'PUT') stored.set(1, sent);
      return (whole.length < MiB ? method === 'PUT' : method === 'POST' && path.includes('uploadId')) ? ('cut' as const) : undefined;
    };
    bucket.server.answer(keeping(lost));
    expect(await store.upload('k', inPieces(whole, MiB), signal)).toEqual({ bytes: whole.length, sha256: sha256(whole) });
  });

  it.each([
    ['is not there', { status: 404 }],
    ['is of somebody else', { headers: { 'content-length': String(large.length), 'x-amz-meta-kylon-attempt': 'another' } }],
  ])('is unknown when its last answer is lost and the object %s', async (_, head) => {
    const store = await bucket.open();
    bucket.server.answer(
      keeping(({ method, path }) => (method === 'HEAD' ? head : method === 'POST' && path.includes('uploadId') ? 'cut' : undefined)),
    );
    expect(await faultOf(store.upload('k', inPieces(large, MiB), signal))).toBeInstanceOf(StoreUnavailable);
    expect(asked()).toContain('DELETE /prefix/k uploadId=id-1');
  });

  it('fails where the store has another size than what was sent, and removes it', async () => {
    const store = await bucket.open();
    let attempt = '';
    bucket.server.answer(
      keeping(({ method, headers }) => {
        attempt = String(headers['x-amz-meta-kylon-attempt'] ?? attempt);
        return method === 'HEAD' ? { headers: { 'content-length': '5', 'x-amz-meta-kylon-attempt': attempt } } : undefined;
      }),
    );
    expect(await faultOf(store.upload('k', inPieces(body, 3), signal))).toBeInstanceOf(StoreDamaged);
    expect(asked().at(-1)).toBe('DELETE /prefix/k');
  });

  it('holds no more than five parts while the store takes none', async () => {
    const store = await bucket.open();
    const stop = new AbortController();
    let given = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; given < 100; given++) yield new Uint8Array(MiB);
    }
    bucket.server.answer(keeping(({ path }) => (path.includes('partNumber') ? 'hang' : undefined)));
    const upload = expect(store.upload('k', source(), stop.signal)).rejects.toThrow('stopped');
    await vi.waitFor(() => expect(bucket.server.asked).toHaveLength(4));
    await settled();
    stop.abort(new Error('stopped'));
    await upload;
    expect(given).toBeGreaterThanOrEqual(3 * 8);
    expect(given).toBeLessThanOrEqual(5 * 8);
  });

  it('has room for 5 TiB in 10 000 parts', () => {
    const chunks = Array.from({ length: 10_000 }, (_, i) => chunksOfPart(i + 1));
    expect(chunks.reduce((sum, count) => sum + count, 0) * 8 * MiB).toBeGreaterThanOrEqual(5 * 1024 ** 4);
    expect(Math.max(...chunks) * 8 * MiB).toBeLessThanOrEqual(5 * 1024 ** 3);
  });
});
