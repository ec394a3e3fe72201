/** What the S3 provider sends for creates, reads and lists, and what it makes of each answer. */
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import {
  StoreDamaged,
  StoreDenied,
  StoreError,
  StoreFull,
  StoreNotFound,
  StoreRange,
  StoreUnavailable,
} from '../../src/objectstore/objectstore.ts';
import { s3ErrorOf } from '../../src/objectstore/s3/s3-errors.ts';
import { s3Provider } from '../../src/objectstore/s3/s3.ts';
import { collect, sha256 } from '../conformance/objectstore/subject.ts';
import { checksumOf, env, faultOf, s3Bucket, secrets, urlAt } from './s3-bucket.ts';
import type { Answer, Answerer, Asked } from './s3-server.ts';
import { emptyList, failure, listOf } from './s3-server.ts';
import { parts } from './stores.ts';

const signal = AbortSignal.any([]);
const body = Buffer.from('content');
const bucket = s3Bucket();

/** What the store throws when every answer is `answer`. */
async function thrown(answer: ReturnType<Answerer>, work = (store: ObjectStore): Promise<unknown> => store.putIfAbsent('k', body, signal)) {
  const store = await bucket.open();
  bucket.server.answer(() => answer);
  return faultOf(work(store));
}

describe('a create in S3', () => {
  it('is one request, under the condition, with the checksum as a header and the content as it is', async () => {
    const store = await bucket.open();
    bucket.server.answer(() => ({ headers: { etag: '"x"' } }));
    expect(await store.putIfAbsent('k', body, signal)).toBe('created');
    expect(bucket.server.asked).toHaveLength(1);
    const { method, headers, body: sent } = bucket.server.asked[0] as Asked;
    expect([method, headers['if-none-match'], headers['x-amz-checksum-crc32']]).toEqual(['PUT', '*', checksumOf(body)]);
    expect(headers['content-encoding']).toBeUndefined();
    expect(headers['x-amz-trailer']).toBeUndefined();
    expect(headers['x-amz-content-sha256']).toBe(sha256(body));
    expect(sent).toEqual(body);
  });

  it('sends the hash that is known as checksum and in the signature, and computes none', async () => {
    const store = await bucket.open();
    bucket.server.answer(() => ({ headers: { etag: '"x"' } }));
    const other = sha256(Buffer.from('another'));
    expect(await store.putIfAbsent('k', body, signal, other)).toBe('created');
    const { headers, body: sent } = bucket.server.asked[0] as Asked;
    expect(headers['x-amz-checksum-sha256']).toBe(Buffer.from(other, 'hex').toString('base64'));
    expect(headers['x-amz-content-sha256']).toBe(other);
    expect(headers.authorization).toContain('x-amz-content-sha256');
    expect(Object.keys(headers).filter((name) => name.startsWith('x-amz-checksum'))).toHaveLength(1);
    expect(sent).toEqual(body);
  });

  it('is damaged where the store has another hash than the known one', async () => {
    const fault = await thrown({ headers: { etag: '"x"', 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') } }, (store) =>
      store.putIfAbsent('k', body, signal, sha256(body)),
    );
    expect(fault).toBeInstanceOf(StoreDamaged);
    expect(fault.message).toContain('k: the store has another checksum');
  });

  it('answers exists to 412 alone', async () => {
    const store = await bucket.open();
    bucket.server.answer(() => failure(412, 'PreconditionFailed'));
    expect(await store.putIfAbsent('k', body, signal)).toBe('exists');
  });

  it.each<[string, ReturnType<Answerer>, typeof StoreError, string]>([
    ['409', failure(409, 'ConditionalRequestConflict'), StoreUnavailable, 'it is not known what became of this one'],
    ['another 409', failure(409, 'OperationAborted'), StoreUnavailable, 'it is not known what became of this one'],
    [
      '501',
      failure(501, 'NotImplemented'),
      StoreError,
      'the store does not implement put-if-absent (If-None-Match), which Kylon needs (in the words of the store)',
    ],
    [
      '403',
      failure(403, 'AccessDenied'),
      StoreDenied,
      'access denied: the credentials need the right s3:PutObject (in the words of the store)',
    ],
    ['a quota', failure(403, 'QuotaExceeded'), StoreFull, 'the store is full, or a quota is used up'],
    ['a quota of MinIO', failure(400, 'XMinioAdminBucketQuotaExceeded'), StoreFull, 'the store is full'],
    ['a full disk', failure(507, 'XMinioStorageFull'), StoreFull, 'the store is full'],
    ['507', { status: 507 }, StoreFull, 'the store is full'],
    ['no bucket', failure(404, 'NoSuchBucket'), StoreError, 'the bucket "bucket" does not exist at http://127.0.0.1:'],
    ['an unknown key', failure(403, 'InvalidAccessKeyId'), StoreDenied, 'check AWS_ACCESS_KEY_ID'],
    ['a wrong secret', failure(403, 'SignatureDoesNotMatch'), StoreDenied, 'check AWS_SECRET_ACCESS_KEY'],
    ['an old token', failure(400, 'ExpiredToken', '<Token-0>the-session-token</Token-0>'), StoreDenied, 'get new credentials'],
    ['a wrong clock', failure(403, 'RequestTimeTooSkewed'), StoreDenied, 'set the clock of this machine'],
    [
      'another region',
      failure(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': 'eu-west-3' }),
      StoreError,
      'lies in the region eu-west-3: name it by ?region=eu-west-3',
    ],
    [
      'another region in XML',
      failure(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>'),
      StoreError,
      'lies in the region eu-west-3',
    ],
    ['a redirect without more', { status: 301 }, StoreError, 'lies in another region: name it by ?region='],
    ['damage', failure(400, 'XAmzContentSHA256Mismatch'), StoreUnavailable, 'it was damaged on the way'],
    [
      'another checksum',
      { headers: { etag: '"x"', 'x-amz-checksum-crc32': 'AAAAAA==' } },
      StoreDamaged,
      'the store has another checksum (AAAAAA==)',
    ],
    ['503', failure(503, 'SlowDown'), StoreUnavailable, 'the store answers 503 SlowDown (in the words of the store)'],
    ['429', { status: 429 }, StoreUnavailable, 'more requests than it takes'],
    ['what nobody knows', failure(418, 'Teapot'), StoreError, 'the store answers 418 Teapot (in the words of the store)'],
    ['a web page', { status: 200, body: '<html>log in</html>' }, StoreUnavailable, 'does not speak S3: check the address'],
    ['a web page with 404', { status: 404, body: '<html>none</html>' }, StoreUnavailable, 'does not speak S3: check the address'],
    ['a redirect to a page', { status: 302 }, StoreUnavailable, 'does not speak S3: check the address'],
    ['plain text', { status: 400, body: 'sent HTTP to HTTPS' }, StoreUnavailable, 'does not speak S3: check the address'],
    ['nothing', 'hang', StoreUnavailable, 'there was no answer in time at http://127.0.0.1:'],
    ['a cut', 'cut', StoreUnavailable, 'the connection was cut at http://127.0.0.1:'],
  ])('is told plainly of %s', async (_, answer, kind, message) => {
    const fault = await thrown(answer);
    expect(fault.constructor).toBe(kind);
    expect(fault.message).toContain(message);
    expect(fault.message).toMatch(/^s3:\/\/bucket\/prefix: (cannot write )?k: /);
    expect(JSON.stringify([fault.message, fault.stack, fault.cause])).not.toMatch(secrets);
    expect(bucket.server.asked).toHaveLength(1);
  });

  it('does not lay a 501 on put-if-absent where encryption was asked for too', async () => {
    const store = await bucket.open('&sse=AES256');
    bucket.server.answer(() => failure(501, 'NotImplemented'));
    const { message } = await faultOf(store.putIfAbsent('k', body, signal));
    expect(message).toContain('perhaps sse=AES256 (try without) (in the words of the store)');
    expect(message).not.toContain('put-if-absent');
  });

  it('says that nobody listens', async () => {
    const fault = await faultOf(s3Provider.open(urlAt('http://127.0.0.1:1'), { ...parts, env }, signal));
    expect(fault).toBeInstanceOf(StoreUnavailable);
    expect(fault.message).toContain('nothing listens at http://127.0.0.1:1');
  });

  it.each([
    ['ENOTFOUND', 'there is no such host at https://host (words)'],
    ['EAI_AGAIN', 'the name of the host cannot be looked up at https://host (words)'],
    ['CERT_HAS_EXPIRED', 'the certificate has expired at https://host (words)'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate is for another host at https://host (words)'],
    ['EHOSTUNREACH', 'there is no answer at https://host (words)'],
  ])('says what %s means', (code, message) => {
    const asked = { what: 'it', right: 's3:GetObject', bucket: 'bucket', endpoint: 'https://host/path' };
    const fault = s3ErrorOf(Object.assign(new Error('words\nmore words'), { code, $metadata: { attempts: 1 } }), asked);
    expect([fault.constructor, fault.message]).toEqual([StoreUnavailable, `it: ${message}`]);
  });

  it('says that there is no TLS', async () => {
    const fault = await faultOf(s3Provider.open(urlAt(bucket.server.endpoint.replace('http:', 'https:')), { ...parts, env }, signal));
    expect(fault).toBeInstanceOf(StoreUnavailable);
    expect(fault.message).toContain('there is no TLS at https://127.0.0.1:');
  });
});

describe('a read from S3', () => {
  it('never takes a body that was cut for a whole one', async () => {
    const fault = await thrown({ headers: { 'content-length': '1000', connection: 'close' }, body: 'half' }, (store) =>
      store.read('k', signal),
    );
    expect(fault).toBeInstanceOf(StoreUnavailable);
    expect(fault.message).toContain('cannot read k: ');
  });

  it('notices an answer that is shorter than it says', async () => {
    const answer = { status: 206, headers: { 'content-range': 'bytes 0-99/100', 'content-length': '4' }, body: 'half' };
    const fault = await thrown(answer, (store) => store.read('k', signal, { start: 0 }));
    expect([fault.constructor, fault.message]).toEqual([
      StoreUnavailable,
      's3://bucket/prefix: cannot read k: the answer has 4 bytes instead of 100',
    ]);
  });

  it('takes the size of the whole object from the answer to a range', async () => {
    const store = await bucket.open();
    bucket.server.answer(() => ({ status: 206, headers: { 'content-range': 'bytes 2-4/10' }, body: '234' }));
    const { size, body: pieces } = await store.stream('k', signal, { start: 2, length: 3 });
    expect([size, Buffer.concat(await collect(pieces)).toString(), bucket.server.asked[0]?.headers.range]).toEqual([
      10,
      '234',
      'bytes=2-4',
    ]);
  });

  it.each([
    ['the header', failure(416, 'InvalidRange', '', { 'content-range': 'bytes */10' })],
    ['the body', failure(416, 'InvalidRange', '<ActualObjectSize>10</ActualObjectSize>')],
  ])('says the size of an object that ends before the range: from %s', async (_, answer) => {
    const fault = await thrown(answer, (store) => store.read('k', signal, { start: 12 }));
    expect(fault instanceof StoreRange && fault.size).toBe(10);
  });

  it('asks for the size where the refusal of a range does not tell it', async () => {
    const store = await bucket.open();
    bucket.server.answer(({ method }) => (method === 'HEAD' ? { headers: { 'content-length': '10' } } : failure(416, 'InvalidRange')));
    const fault = await faultOf(store.read('k', signal, { start: 12 }));
    expect(fault instanceof StoreRange && fault.size).toBe(10);
  });

  it('refuses a store that ignores ranges', async () => {
    const fault = await thrown({ body: '0123456789' }, (store) => store.read('k', signal, { start: 2 }));
    expect(fault.message).toContain('the store does not answer to ranges');
  });

  it('knows an absent key by its code, and takes no other 404 for one', async () => {
    expect(await thrown(failure(404, 'NoSuchKey'), (store) => store.read('k', signal))).toBeInstanceOf(StoreNotFound);
    expect(await thrown({ status: 404 }, (store) => store.read('k', signal))).toBeInstanceOf(StoreUnavailable);
  });

  it.each<[string, Answer, number | undefined]>([
    ['a range', { status: 206, headers: { 'content-range': 'bytes 0-0/1234' }, body: 'x' }, 1234],
    ['a range that an empty object has not', failure(416, 'InvalidRange', '<ActualObjectSize>0</ActualObjectSize>'), 0],
    ['an empty object sent whole', { headers: { 'content-length': '0' } }, 0],
    ['an absent key', failure(404, 'NoSuchKey'), undefined],
  ])('tells the size by one request: from %s', async (_, answer, size) => {
    const store = await bucket.open();
    bucket.server.answer(() => answer);
    expect(await store.size('k', signal)).toBe(size);
    expect(bucket.server.asked.map(({ method, headers }) => `${method} ${headers.range}`)).toEqual(['GET bytes=0-0']);
  });

  it.each([
    ['no bucket', failure(404, 'NoSuchBucket')],
    ['a proxy that knows no such page', { status: 404, body: '<html>none</html>' }],
  ])('takes a 404 of %s for no absent key when it is asked for a size', async (_, answer) => {
    const fault = await thrown(answer, (store) => store.size('k', signal));
    expect(fault).toBeInstanceOf(StoreError);
    expect(fault).not.toBeInstanceOf(StoreNotFound);
  });

  it('ends a body that stays away for too long', async () => {
    const fault = await thrown({ headers: { 'content-length': '1000' }, body: 'half', ends: false }, (store) => store.read('k', signal));
    expect(fault).toBeInstanceOf(StoreUnavailable);
    expect(fault.message).toContain('there was no answer in time');
  });
});

describe('a list of S3', () => {
  it('goes from page to page, and leaves out what cannot be a key', async () => {
    const store = await bucket.open();
    const pages = [listOf(['prefix/', 'prefix/a', 'prefix/b c'], 'token'), listOf(['prefix/d'])];
    bucket.server.answer(() => pages.shift() ?? emptyList);
    expect((await collect(store.list('', signal, 'A'))).map(({ key }) => key)).toEqual(['a', 'd']);
    expect(bucket.server.asked.map(({ path }) => path)).toEqual([
      expect.stringMatching(/prefix=prefix%2F&start-after=prefix%2FA/),
      expect.stringMatching(/continuation-token=token&/),
    ]);
  });

  it.each<[string, Answer, string]>([
    ['is out of order', listOf(['prefix/b', 'prefix/a']), 'lists a after b, so its order cannot be relied on'],
    [
      'is cut without a token',
      { body: '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>' },
      'cuts its list, and does not say where',
    ],
    ['is a web page', { body: '<html><body>log in</body></html>' }, 'does not speak S3: check the address'],
  ])('is refused when it %s', async (_, answer, message) => {
    expect((await thrown(answer, (store) => collect(store.list('', signal)))).message).toContain(message);
  });
});
