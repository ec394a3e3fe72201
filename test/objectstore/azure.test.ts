/** Against Azurite: what every store does, and what only this one has: its credentials, its blocks, its SDK. */
import { execFile } from 'node:child_process';
import { inspect, promisify } from 'node:util';
import { ContainerSASPermissions } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { azureProvider } from '../../src/objectstore/azure/azure.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import type { FaultOf, FlakyProxy } from '../conformance/flaky-proxy.ts';
import { startFlakyProxy } from '../conformance/flaky-proxy.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';
import { describeObjectStore } from '../conformance/objectstore.ts';
import type { Azurite } from './azurite.ts';
import { account, containerOf, key, startAzurite } from './azurite.ts';
import { parts } from './stores.ts';

const wrongKey = Buffer.from('not the key').toString('base64');
const signal = AbortSignal.any([]);
let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

const urlOf = (container: string, endpoint = azurite.endpoint) =>
  new URL(`azure://${account}/${container}/some/prefix?endpoint=${encodeURIComponent(endpoint)}`);
const open = (url: URL, env: Readonly<Record<string, string>> = { AZURE_STORAGE_KEY: key }) =>
  azureProvider.open(url, { ...parts, env }, signal);

async function freshContainer(): Promise<string> {
  const name = `kylon-${randomIds.hex(8)}`;
  await containerOf(azurite, name).create();
  return name;
}

async function azureUnderTest(): Promise<StoreUnderTest> {
  const container = await freshContainer();
  const proxies: FlakyProxy[] = [];
  const through = async (faultOf: FaultOf) => {
    const state = { isOpen: false };
    const proxy = await startFlakyProxy(azurite.endpoint, (request) => (state.isOpen ? faultOf(request) : undefined));
    proxies.push(proxy);
    const store = await open(urlOf(container, `${proxy.url}/${account}`));
    state.isOpen = true;
    return store;
  };
  return {
    clients: [await open(urlOf(container)), await open(urlOf(container))],
    network: { through },
    wrongCredentials: () => open(urlOf(container), { AZURE_STORAGE_KEY: wrongKey }),
    missing: () => open(urlOf('not-there')),
    destroy: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await containerOf(azurite, container).delete();
    },
  };
}

describe('the object store azure', () => describeObjectStore(azureUnderTest));

const MiB = 1024 * 1024;
const contentOf = async (reading: Promise<Uint8Array>) => Buffer.from(await reading).toString();

async function sasOf(container: string, permissions: string, expiresOn = new Date(systemClock.now() + 3_600_000)): Promise<string> {
  return new URL(
    await containerOf(azurite, container).generateSasUrl({ permissions: ContainerSASPermissions.parse(permissions), expiresOn }),
  ).search;
}

describe('the credentials for azure', () => {
  it.each(['?', ''])('may be a SAS token with "%s" before it', async (before) => {
    const container = await freshContainer();
    const token = `${before}${(await sasOf(container, 'racwdl')).slice(1)}`;
    const store = await open(urlOf(container), { AZURE_STORAGE_SAS_TOKEN: token });
    expect(await store.putIfAbsent('k', Buffer.from('x'), signal)).toBe('created');
    expect(await store.putIfAbsent('k', Buffer.from('y'), signal)).toBe('exists');
  });

  it('may allow no more than reading', async () => {
    const container = await freshContainer();
    await (await open(urlOf(container))).putIfAbsent('k', Buffer.from('x'), signal);
    const token = await sasOf(container, 'rl');
    const store = await open(urlOf(container), { AZURE_STORAGE_SAS_TOKEN: token });
    expect(await contentOf(store.read('k', signal))).toBe('x');
    for (const write of [() => store.putIfAbsent('l', Buffer.from('x'), signal), () => store.delete('k', signal)])
      await expect(write()).rejects.toSatisfy((error) => error instanceof StoreDenied && !inspect(error).includes('sig='));
  });

  it('say so when a SAS token has expired', async () => {
    const container = await freshContainer();
    const token = await sasOf(container, 'rl', new Date(systemClock.now() - 3_600_000));
    const opening = open(urlOf(container), { AZURE_STORAGE_SAS_TOKEN: token });
    await expect(opening).rejects.toBeInstanceOf(StoreDenied);
    await expect(opening).rejects.toThrow('have expired');
  });

  it('may be a connection string, with a key or a SAS token, which names the endpoint too', async () => {
    const container = await freshContainer();
    const bare = new URL(`azure://${account}/${container}`);
    const start = `AccountName=${account};BlobEndpoint=${azurite.endpoint}/;`;
    const first = await open(bare, { AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;${start}AccountKey=${key};` });
    await first.putIfAbsent('k', Buffer.from('x'), signal);
    const sas = (await sasOf(container, 'rl')).slice(1);
    const second = await open(bare, { AZURE_STORAGE_CONNECTION_STRING: `${start}SharedAccessSignature=${sas}` });
    expect(await contentOf(second.read('k', signal))).toBe('x');
    expect(second.name).toBe(`azure://${account}/${container}`);
  });

  it('are named where they are wrong, with what to do', async () => {
    const opening = open(urlOf(await freshContainer()), { AZURE_STORAGE_KEY: wrongKey });
    await expect(opening).rejects.toThrow(
      /^azure:\/\/devstoreaccount1\/kylon-.*: cannot list the container: the credentials are wrong.*check AZURE_STORAGE_\*/,
    );
    await expect(opening).rejects.toSatisfy((error) => !inspect(error).includes(wrongKey) && !inspect(error).includes('SharedKey'));
  });

  it('do not hide that a container is missing', async () => {
    await expect(open(urlOf('not-there'))).rejects.toThrow('the container not-there does not exist: create it, or correct the URL');
  });
});

it('names the account where the endpoint lacks it', async () => {
  const url = urlOf('abc', new URL(azurite.endpoint).origin);
  await expect(open(url)).rejects.toThrow('there is no such account at the endpoint: check the URL');
});

describe('an upload to azure', () => {
  async function* zeros(mebibytes: number): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < mebibytes; i++) yield new Uint8Array(MiB);
  }

  async function behind(faultOf: FaultOf): Promise<{ readonly store: ObjectStore; readonly other: ObjectStore }> {
    const container = await freshContainer();
    const proxy = await startFlakyProxy(azurite.endpoint, faultOf);
    onTestFinished(() => proxy.close());
    return { store: await open(urlOf(container, `${proxy.url}/${account}`)), other: await open(urlOf(container)) };
  }

  const isCommit = (url: string) => url.includes('comp=blocklist');
  const isBlock = (url: string) => /comp=block(&|$)/.test(url);

  it('is proved to have happened when the answer to its last request is lost', async () => {
    let lost = 0;
    const { store, other } = await behind(({ method, url }) => {
      if (method !== 'PUT' || isBlock(url)) return undefined;
      lost++;
      return { is: 'lose-response' };
    });
    expect((await store.upload('small', zeros(1), signal)).bytes).toBe(MiB);
    expect((await store.upload('large', zeros(9), signal)).bytes).toBe(9 * MiB);
    expect(lost).toBe(2);
    expect([await other.size('small', signal), await other.size('large', signal)]).toEqual([MiB, 9 * MiB]);
  });

  it.each([1, 9])('of %d MiB is unknown when neither its last request nor a look at it is answered', async (mebibytes) => {
    const { store } = await behind(({ method, url }) =>
      method === 'HEAD' || (method === 'PUT' && !isBlock(url)) ? { is: 'lose-response' } : undefined,
    );
    await expect(store.upload('k', zeros(mebibytes), signal)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('is not seen before its blocks are committed', async () => {
    const { store, other } = await behind(({ url }) => (isCommit(url) ? { is: 'refuse' } : undefined));
    await expect(store.upload('k', zeros(20), signal)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await other.size('k', signal)).toBeUndefined();
    for await (const { key: listed } of other.list('', signal)) expect(listed).toBeUndefined();
    expect((await other.upload('k', zeros(9), signal)).bytes).toBe(9 * MiB);
    expect(await other.size('k', signal)).toBe(9 * MiB);
  });

  it('ends when a block fails, though its source is silent then', async () => {
    const { store } = await behind(({ url }) => (isBlock(url) ? { is: 'answer', status: 503 } : undefined));
    const left = Promise.withResolvers<void>();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* zeros(9);
      await left.promise;
    }
    await expect(store.upload('k', source(), signal)).rejects.toBeInstanceOf(StoreUnavailable);
    left.resolve();
  });
});

/** Loads the registry of providers, then opens a store, and says after each what came from the SDKs. */
const watchLoading = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({ load: (url, context, next) => (loaded.add(/node_modules\\/(@azure\\/[^/]+)/.exec(url)?.[1]), next(url, context)) });
  const seen = () => [...loaded].filter(Boolean).sort();
  const { providers } = await import(process.env.PROVIDERS);
  const before = seen();
  const provider = providers.find(({ scheme }) => scheme === 'azure');
  await provider.open(new URL(process.env.STORE), { env: {} }, AbortSignal.any([])).catch(() => {});
  const refused = seen();
  await provider.open(new URL(process.env.STORE), { env: { AZURE_STORAGE_KEY: 'AAAA' } }, AbortSignal.abort()).catch(() => {});
  console.log(JSON.stringify({ before, refused, opened: seen() }));`;

it('loads the SDK of azure no sooner than a store is opened, and that for identities only if it is needed', async () => {
  const env = {
    ...process.env,
    PROVIDERS: new URL('../../src/objectstore/providers.ts', import.meta.url).href,
    STORE: `azure://${account}/abc?endpoint=http://127.0.0.1:1`,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', watchLoading], { env });
  const { before, refused, opened } = JSON.parse(stdout) as Record<string, string[]>;
  expect(before).toEqual([]);
  expect(refused).toEqual([]);
  expect(opened).toContain('@azure/storage-blob');
  expect(opened).not.toContain('@azure/identity');
});
