/** The S3 provider on a real store: the whole conformance suite, and what only a real store shows. */
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreConflict, StoreDenied, StoreError } from '../../src/objectstore/objectstore.ts';
import { openStore } from '../../src/objectstore/open.ts';
import { s3Provider } from '../../src/objectstore/s3/s3.ts';
import { startFlakyProxy } from '../conformance/flaky-proxy.ts';
import type { FlakyProxy } from '../conformance/flaky-proxy.ts';
import { describeObjectStore } from '../conformance/objectstore.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';
import { collect, inPieces, pattern, sha256, signal } from '../conformance/objectstore/subject.ts';
import { parts } from '../objectstore/stores.ts';
import { s3Variables, storeOf } from './stores.ts';

const MiB = 1024 * 1024;
const day = 24 * 3600 * 1000;

const server = storeOf(...s3Variables);

describe.skipIf(server === undefined)('the object store s3 on a real server', () => {
  const { KYLON_TEST_S3_ENDPOINT: endpoint = '', KYLON_TEST_S3_BUCKET: bucket = '' } = server ?? {};
  const { KYLON_TEST_S3_ACCESS_KEY_ID: accessKeyId = '', KYLON_TEST_S3_SECRET_ACCESS_KEY: secretAccessKey = '' } = server ?? {};
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const admin = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  afterAll(() => admin.destroy());

  const urlOf = (name: string, prefix: string, through = endpoint) =>
    new URL(`s3://${name}/${prefix}?endpoint=${encodeURIComponent(through)}`);
  const open = (prefix: string, through?: string) => s3Provider.open(urlOf(bucket, prefix, through), { ...parts, env }, signal);

  async function freshStore(): Promise<StoreUnderTest> {
    const prefix = `test-${randomIds.hex(8)}`;
    const clients = [await open(prefix), await open(prefix)] as const;
    const others: ObjectStore[] = [];
    const proxies: FlakyProxy[] = [];
    return {
      clients,
      network: {
        through: async (faultOf) => {
          let started = false;
          const proxy = await startFlakyProxy(endpoint, (request) => (started ? faultOf(request) : undefined));
          const client = await open(prefix, proxy.url);
          started = true;
          proxies.push(proxy);
          others.push(client);
          return client;
        },
      },
      wrongCredentials: () =>
        s3Provider.open(urlOf(bucket, prefix), { ...parts, env: { ...env, AWS_SECRET_ACCESS_KEY: 'nobody-knows-it' } }, signal),
      missing: () => s3Provider.open(urlOf(`missing-${randomIds.hex(8)}`, prefix), { ...parts, env }, signal),
      destroy: async () => {
        await Promise.all(others.map((client) => client.close()));
        await Promise.all(proxies.map((proxy) => proxy.close()));
        await empty(clients[0]);
        await Promise.all(clients.map((client) => client.close()));
      },
    };
  }

  describeObjectStore(freshStore);

  it('passes the probe, by URL', async () => {
    const url = urlOf(bucket, `test-${randomIds.hex(8)}`).href;
    const { store, readOnly } = await openStore(url, { ...parts, env }, signal);
    expect(readOnly).toBeUndefined();
    expect(store.name).toBe(url.slice(0, url.indexOf('?')));
    expect(await collect(store.list('', signal))).toEqual([]);
    await store.close();
  });

  it.each([
    [
      { AWS_SECRET_ACCESS_KEY: 'nobody-knows-it' },
      /^s3:\/\/[^?]*: cannot list the keys: the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY$/,
    ],
    [{ AWS_ACCESS_KEY_ID: 'stranger' }, /the store does not know the access key: check AWS_ACCESS_KEY_ID/],
  ])('says of wrong credentials which variable to look at: %j', async (wrong, message) => {
    const opening = s3Provider.open(urlOf(bucket, 'x'), { ...parts, env: { ...env, ...wrong } }, signal);
    await expect(opening).rejects.toBeInstanceOf(StoreDenied);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.not.toThrow(/nobody-knows-it/);
  });

  it('says that a bucket is missing, and where', async () => {
    const opening = s3Provider.open(urlOf('missing-bucket', ''), { ...parts, env }, signal);
    await expect(opening).rejects.toBeInstanceOf(StoreError);
    await expect(opening).rejects.toThrow(`the bucket "missing-bucket" does not exist at ${endpoint}: make it, or correct the URL`);
  });

  describe('in a bucket of its own', () => {
    const own = `kylon-test-${randomIds.hex(8)}`;
    // Without a prefix: some stores list unfinished uploads of a whole bucket, or of one key, and nothing in between.
    const openOwn = (clock = systemClock) => s3Provider.open(urlOf(own, ''), { ...parts, clock, env }, signal);
    const unfinished = async () => (await admin.send(new ListMultipartUploadsCommand({ Bucket: own }))).Uploads ?? [];
    let store: ObjectStore;
    beforeAll(async () => {
      await admin.send(new CreateBucketCommand({ Bucket: own }));
      store = await openOwn();
    });
    afterAll(async () => {
      await empty(store);
      await store.close();
      await admin.send(new DeleteBucketCommand({ Bucket: own }));
    });

    it('uploads 64 MiB in parts, reads any range of it, and leaves no parts', async () => {
      const whole = pattern(64 * MiB + 5);
      expect(await store.upload('big', inPieces(whole, 1_000_003), signal)).toEqual({ bytes: whole.length, sha256: sha256(whole) });
      for (const [start, length] of [
        [0, 1],
        [8 * MiB - 1, 2],
        [20 * MiB + 7, 17 * MiB],
        [64 * MiB, 5],
      ] as const)
        expect(sha256(await store.read('big', signal, { start, length }))).toBe(sha256(whole.subarray(start, start + length)));
      expect(await unfinished()).toEqual([]);
    });

    it('leaves no parts of an upload over a key that exists', async () => {
      await store.putIfAbsent('taken', Buffer.from('first'), signal);
      await expect(store.upload('taken', inPieces(pattern(9 * MiB), MiB), signal)).rejects.toBeInstanceOf(StoreConflict);
      expect(await unfinished()).toEqual([]);
    });

    it('leaves no parts of an upload that was aborted', async () => {
      const stop = new AbortController();
      let began = 0;
      async function* source(): AsyncGenerator<Uint8Array> {
        yield* inPieces(pattern(20 * MiB), MiB);
        began = (await unfinished()).length;
        stop.abort(new Error('stopped'));
        await new Promise(() => {});
      }
      await expect(store.upload('aborted', source(), stop.signal)).rejects.toThrow('stopped');
      expect(began).toBe(1);
      expect(await unfinished()).toEqual([]);
    });

    it('sweeps uploads that were begun more than a day ago, and no others', async () => {
      await admin.send(new CreateMultipartUploadCommand({ Bucket: own, Key: 'left/behind' }));
      await (await openOwn()).close();
      expect((await unfinished()).map(({ Key }) => Key)).toEqual(['left/behind']);
      await (await openOwn({ ...systemClock, now: () => systemClock.now() + day + 60_000 })).close();
      expect(await unfinished()).toEqual([]);
    });
  });
});

async function empty(store: ObjectStore): Promise<void> {
  const keys = (await collect(store.list('', signal))).map(({ key }) => key);
  for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => store.delete(key, signal)));
}
