/** A server from npm that speaks S3 and ignores put-if-absent: Kylon must not take it for a store. */
import { rm } from 'node:fs/promises';
import S3rver from 's3rver';
import { expect, it } from 'vitest';
import { openStore } from '../../src/objectstore/open.ts';
import { parts, temporaryFolder } from './stores.ts';

const env = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

it('refuses s3rver, and says what it did', async () => {
  const directory = await temporaryFolder();
  const server = new S3rver({ address: '127.0.0.1', port: 0, directory, silent: true, configureBuckets: [{ name: 'bucket' }] });
  const { port } = await server.run();
  const url = `s3://bucket/prefix?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`;
  await expect(openStore(url, { ...parts, env }, AbortSignal.any([]))).rejects.toThrow(
    /^s3:\/\/bucket\/prefix cannot be used: it accepts a second create of the same key and replaces the first: it ignores put-if-absent/,
  );
  await server.close();
  await rm(directory, { recursive: true });
});
