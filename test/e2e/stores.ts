/** The real object stores that tests run on, as the environment names them: `../shared/stores` can make some. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { randomIds } from '../../src/base/ids.ts';
import { temporaryFolder } from './folder.ts';

export interface StoreForKylon {
  readonly name: string;
  /** Of a store that nobody has used. */
  readonly url: () => string;
  /** What a process needs to open it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Variables that CI runs without, and why. */
const absentInCi: Readonly<Record<string, string>> = {};

export const s3Variables = [
  'KYLON_TEST_S3_ENDPOINT',
  'KYLON_TEST_S3_BUCKET',
  'KYLON_TEST_S3_ACCESS_KEY_ID',
  'KYLON_TEST_S3_SECRET_ACCESS_KEY',
] as const;

/** The values of these variables; undefined where one is not set, and then tests skip. In CI that is a failure, unless the variable is listed. */
export function storeOf<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, string>> | undefined {
  const missing = names.filter((name) => !process.env[name]);
  const surprising = missing.filter((name) => !(name in absentInCi));
  if (process.env['CI'] === 'true' && surprising.length > 0)
    throw new Error(`the e2e suites need ${surprising.join(', ')}, which name a real object store`);
  if (missing.length > 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, process.env[name]])) as Record<Name, string>;
}

/** The stores that a process of its own can open, those that are there; a folder always is. */
export function storesForKylon(): readonly StoreForKylon[] {
  const s3 = storeOf(...s3Variables);
  const gcs = storeOf('KYLON_TEST_GCS_ENDPOINT', 'KYLON_TEST_GCS_BUCKET');
  const stores: StoreForKylon[] = [{ name: 'file', url: () => pathToFileURL(join(temporaryFolder(), 'store')).href, env: {} }];
  if (s3)
    stores.push({
      name: 's3',
      url: () => urlIn('s3', s3.KYLON_TEST_S3_BUCKET, s3.KYLON_TEST_S3_ENDPOINT),
      env: { AWS_ACCESS_KEY_ID: s3.KYLON_TEST_S3_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: s3.KYLON_TEST_S3_SECRET_ACCESS_KEY },
    });
  if (gcs) stores.push({ name: 'gs', url: () => urlIn('gs', gcs.KYLON_TEST_GCS_BUCKET, gcs.KYLON_TEST_GCS_ENDPOINT), env: {} });
  return stores;
}

function urlIn(scheme: string, bucket: string, endpoint: string): string {
  return `${scheme}://${bucket}/test-${randomIds.hex(8)}?endpoint=${encodeURIComponent(endpoint)}`;
}
