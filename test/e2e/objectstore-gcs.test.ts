/** The object store on a real server that speaks the API of Google Cloud Storage: fake-gcs-server. */
import { describe } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { gcsProvider } from '../../src/objectstore/gcs/gcs.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { startFlakyProxy } from '../conformance/flaky-proxy.ts';
import type { FaultOf, FlakyProxy } from '../conformance/flaky-proxy.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';
import { describeObjectStore } from '../conformance/objectstore.ts';
import { parts } from '../objectstore/stores.ts';
import { storeOf } from './stores.ts';

const server = storeOf('KYLON_TEST_GCS_ENDPOINT', 'KYLON_TEST_GCS_BUCKET');
const signal = AbortSignal.any([]);

const open = (bucket: string, prefix: string, endpoint: string) =>
  gcsProvider.open(new URL(`gs://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`), parts, signal);

async function empty(store: ObjectStore): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list('', signal)) keys.push(key);
  for (let at = 0; at < keys.length; at += 32) await Promise.all(keys.slice(at, at + 32).map((key) => store.delete(key, signal)));
}

async function create(endpoint: string, bucket: string): Promise<StoreUnderTest> {
  const prefix = `conformance/gcs-${randomIds.hex(8)}`;
  const clients = [await open(bucket, prefix, endpoint), await open(bucket, prefix, endpoint)] as const;
  const proxies: FlakyProxy[] = [];
  const through = async (faultOf: FaultOf) => {
    const proxy = await startFlakyProxy(endpoint, faultOf);
    proxies.push(proxy);
    return open(bucket, prefix, proxy.url);
  };
  return {
    clients,
    network: { through },
    // The server asks nobody for credentials, so something before it does.
    wrongCredentials: () => through(() => ({ is: 'answer', status: 401 })),
    missing: () => open(`${bucket}-that-is-not-there`, prefix, endpoint),
    destroy: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await empty(clients[0]);
    },
  };
}

describe.skipIf(server === undefined)('the object store gs on a real server', () => {
  const { KYLON_TEST_GCS_ENDPOINT: endpoint = '', KYLON_TEST_GCS_BUCKET: bucket = '' } = server ?? {};
  describeObjectStore(() => create(endpoint, bucket));
});
