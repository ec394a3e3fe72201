/** A bucket that answers as a test says, and clients of it. */
import { crc32 } from 'node:zlib';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { openS3 } from '../../src/objectstore/s3/s3.ts';
import type { S3Server } from './s3-server.ts';
import { emptyList, startS3Server } from './s3-server.ts';
import { parts } from './stores.ts';

export const env = { AWS_ACCESS_KEY_ID: 'the-access-key', AWS_SECRET_ACCESS_KEY: 'the-secret-key', AWS_SESSION_TOKEN: 'the-session-token' };
export const secrets = /the-access-key|the-secret-key|the-session-token/;

export const urlAt = (endpoint: string, more = '') => new URL(`s3://bucket/prefix?endpoint=${encodeURIComponent(endpoint)}${more}`);

export interface Bucket {
  readonly server: S3Server;
  /** `more` stands at the end of the URL. It is closed after the test, and what it asked is forgotten. */
  open(more?: string): Promise<ObjectStore>;
  /** Closed after the test. */
  closing(store: ObjectStore): ObjectStore;
}

/** One for all tests of a file. */
export function s3Bucket(): Bucket {
  let server: S3Server | undefined;
  const opened: ObjectStore[] = [];
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });
  afterAll(() => server?.close());
  const bucket = {
    get server() {
      if (server === undefined) throw new Error('it is started before the tests');
      return server;
    },
    closing: (store: ObjectStore) => {
      opened.push(store);
      return store;
    },
    open: async (more = '') => {
      bucket.server.answer(() => emptyList);
      const url = urlAt(bucket.server.endpoint, more);
      return bucket.closing(await openS3(url, { ...parts, env }, AbortSignal.any([]), { connect: 1000, idle: 300 }));
    },
  };
  return bucket;
}

export async function faultOf(work: Promise<unknown>): Promise<Error> {
  const fault: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(fault instanceof Error)) throw new Error('it should have failed');
  return fault;
}

export function checksumOf(content: Uint8Array): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  return checksum.toString('base64');
}
