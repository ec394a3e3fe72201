/** What becomes of answers that Azurite does not give: a server that says what it is told to. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { azureProvider } from '../../src/objectstore/azure/azure.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreError, StoreFull, StoreNotFound, StoreRange, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { parts } from './stores.ts';

const signal = AbortSignal.any([]);
const secret = Buffer.from('the key of the account').toString('base64');
const emptyList = '<?xml version="1.0"?><EnumerationResults><Blobs/><NextMarker/></EnumerationResults>';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
type Answer = (asked: Asked, response: ServerResponse) => unknown;

const asked: Asked[] = [];
let answer: Answer;
let server: Server;
let store: ObjectStore;

const welcome: Answer = (_, response) => response.writeHead(200, { 'content-type': 'application/xml' }).end(emptyList);

/** As Azure does: the code in a header, and in a body that repeats what was signed. */
const refusal =
  (status: number, code = ''): Answer =>
  ({ method }, response) => {
    response.writeHead(status, {
      'content-type': 'application/xml',
      'x-ms-request-id': '0f8fad5b-d9cb-469f-a165-70867728950e',
      ...(code === '' ? {} : { 'x-ms-error-code': code }),
    });
    response.end(
      method === 'HEAD' ? undefined : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>signed was sig=${secret}</Message></Error>`,
    );
  };

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '', headers } = request;
  const body: Uint8Array[] = [];
  for await (const piece of request) body.push(piece as Uint8Array);
  const whole = { method, path: url, headers, body: Buffer.concat(body) };
  asked.push(whole);
  answer(whole, response);
}

beforeAll(async () => {
  server = createServer((request, response) => void receive(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const open = (
  env: Readonly<Record<string, string>> = { AZURE_STORAGE_KEY: secret },
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
) => azureProvider.open(new URL(`azure://account1/box/p?endpoint=${endpoint}`), { ...parts, env }, signal);

beforeEach(async () => {
  answer = welcome;
  store = await open();
  asked.length = 0;
});
afterEach(() => vi.unstubAllEnvs());

const put = () => store.putIfAbsent('k', Buffer.from('x'), signal);
const read = () => store.read('k', signal);
const size = () => store.size('k', signal);
const remove = () => store.delete('k', signal);
const list = () => store.list('', signal)[Symbol.asyncIterator]().next();

describe('an answer of azure', () => {
  it.each([
    [403, 'AuthenticationFailed', StoreDenied, 'the key, SAS token or identity is wrong or has expired'],
    [403, 'AuthorizationFailure', StoreDenied, 'firewall'],
    [403, 'AuthorizationPermissionMismatch', StoreDenied, 'Storage Blob Data Contributor'],
    [403, 'KeyBasedAuthenticationNotPermitted', StoreDenied, 'use an identity'],
    [403, 'AccountIsDisabled', StoreDenied, 'disabled'],
    [401, 'NoAuthenticationInformation', StoreDenied, 'credentials'],
    [401, '', StoreDenied, 'does not know who asks'],
    [403, '', StoreDenied, 'do not allow it'],
    [403, 'SomethingNew', StoreDenied, 'SomethingNew'],
    [404, 'ContainerNotFound', StoreError, 'the container box does not exist'],
    [409, 'ContainerBeingDeleted', StoreUnavailable, 'ContainerBeingDeleted'],
    [409, '', StoreUnavailable, '409'],
    [413, 'RequestBodyTooLarge', StoreError, 'too large'],
    [400, 'Md5Mismatch', StoreUnavailable, 'damaged'],
    [400, 'InvalidHeaderValue', StoreError, 'InvalidHeaderValue'],
    [418, '', StoreError, 'refuses'],
    [429, '', StoreUnavailable, 'too many requests'],
    [500, 'OperationTimedOut', StoreUnavailable, 'OperationTimedOut'],
    [503, 'ServerBusy', StoreUnavailable, 'trouble'],
    [504, '', StoreUnavailable, 'trouble'],
    [507, '', StoreFull, 'full'],
  ])('%d %s of whatever was asked is a %O', async (status, code, Class, words) => {
    for (const operation of [put, read, size, remove, list, open]) {
      asked.length = 0;
      answer = refusal(status, code);
      const fault = await operation().catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(StoreError);
      expect(fault?.constructor, operation.name).toBe(Class);
      expect(inspect(fault)).toMatch(/azure:\/\/account1\/box\/p: cannot (write k|read k|look at k|delete k|list the container): /);
      expect(inspect(fault)).toContain(words);
      expect(inspect(fault)).toContain('request 0f8fad5b');
      expect(inspect(fault)).not.toMatch(new RegExp(`${secret}|sig=|SharedKey`));
      expect(asked, 'tries').toHaveLength(1);
    }
  });

  it.each([
    [409, 'BlobAlreadyExists'],
    [412, 'ConditionNotMet'],
    [412, ''],
    [403, 'UnauthorizedBlobOverwrite'],
  ])('%d %s to a create means that the key exists', async (status, code) => {
    answer = refusal(status, code);
    expect(await put()).toBe('exists');
  });

  it('404 means that there is no such key', async () => {
    answer = refusal(404, 'BlobNotFound');
    await expect(read()).rejects.toBeInstanceOf(StoreNotFound);
    expect(await size()).toBeUndefined();
    await remove();
  });

  it('416 is told with the size of the object', async () => {
    answer = ({ method }, response) =>
      method === 'HEAD' ? response.writeHead(200, { 'content-length': 7 }).end() : refusal(416, 'InvalidRange')({ ...asked[0]! }, response);
    await expect(store.read('k', signal, { start: 7 })).rejects.toSatisfy((error) => error instanceof StoreRange && error.size === 7);
    await expect(store.read('k', signal, { start: 3 })).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('with another range than asked for is not taken', async () => {
    answer = (_, response) => response.writeHead(200, { etag: '"1"', 'content-length': 4 }).end('0123');
    expect(Buffer.from(await read()).toString()).toBe('0123');
    await expect(store.read('k', signal, { start: 1, length: 2 })).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('that is cut short is not taken for a whole one, nor asked for again', async () => {
    answer = (_, response) => {
      response.writeHead(200, { etag: '"1"', 'content-length': 100_000 });
      response.write(Buffer.alloc(50_000), () => response.destroy());
    };
    await expect(read()).rejects.toBeInstanceOf(StoreUnavailable);
    const { body } = await store.stream('k', signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const reading = (async () => {
      for await (const _ of body);
    })();
    await expect(reading).rejects.toBeInstanceOf(StoreUnavailable);
    expect(asked).toHaveLength(2);
  });

  it('that nobody reads is ended by the signal', async () => {
    const ended = Promise.withResolvers<void>();
    answer = (_, response) => {
      response.on('close', ended.resolve).writeHead(200, { etag: '"1"', 'content-length': 100_000 });
      response.write(Buffer.alloc(50_000));
    };
    const stop = new AbortController();
    await store.stream('k', stop.signal);
    stop.abort(new Error('left'));
    await ended.promise;
  });

  it('in another order than that of the names is refused', async () => {
    const blobs = ['a', 'c', 'b'].map(
      (name) => `<Blob><Name>p/${name}</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>`,
    );
    answer = (_, response) =>
      response.writeHead(200, { 'content-type': 'application/xml' }).end(emptyList.replace('<Blobs/>', `<Blobs>${blobs.join('')}</Blobs>`));
    const keys: string[] = [];
    const listing = (async () => {
      for await (const { key } of store.list('', signal)) keys.push(key);
    })();
    await expect(listing).rejects.toThrow('not in the order of names');
    expect(keys).toEqual(['a', 'c']);
  });

  it('of an account with a hierarchical namespace is refused at the start', async () => {
    answer = (request, response) =>
      request.path.includes('restype=account')
        ? response.writeHead(200, { 'x-ms-is-hns-enabled': 'true' }).end()
        : welcome(request, response);
    await expect(open()).rejects.toThrow('hierarchical namespace');
  });

  it('that does not come is waited for one minute, and longer where much is sent', async () => {
    const clock = new ManualClock();
    const slow = await azureProvider.open(
      new URL(`azure://account1/box/p?endpoint=http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      { ...parts, clock, env: { AZURE_STORAGE_KEY: secret } },
      signal,
    );
    const late = async (request: () => Promise<unknown>, seconds: number) => {
      const heard = Promise.withResolvers<void>();
      answer = () => heard.resolve();
      const fault = expect(request()).rejects.toThrow(`no answer for ${seconds} s`);
      await heard.promise;
      await clock.pass(seconds * 1000);
      await fault;
    };
    await late(() => slow.size('k', signal), 60);
    await late(() => slow.putIfAbsent('k', new Uint8Array(64 * 1024 * 40), signal), 100);
  });
});

describe('what is sent to azure', () => {
  const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('base64');

  it('is under a condition, and has a checksum', async () => {
    answer = (_, response) => response.writeHead(201).end();
    await put();
    expect(asked[0]?.headers).toMatchObject({ 'if-none-match': '*', 'content-md5': md5(Buffer.from('x')) });
  });

  it('to list from a key on names that key, where it lies in the prefix', async () => {
    for (const [prefix, after] of [
      ['', 'b/k'],
      ['b/', 'b/k'],
      ['b/', 'a'],
      ['b/', 'c'],
    ] as const)
      for await (const { key } of store.list(prefix, signal, after)) expect(key).toBeUndefined();
    expect(asked.map(({ path }) => new URL(path, 'http://x').searchParams.get('startFrom'))).toEqual(['p/b/k', 'p/b/k', null]);
  });

  it('of an upload has a checksum for each block, and is deleted where another length arrived', async () => {
    answer = ({ method, path, headers }, response) => {
      if (path.includes('comp=blocklist')) attempt = headers['x-ms-meta-kylonattempt'];
      if (method === 'HEAD') response.writeHead(200, { 'content-length': 7, 'x-ms-meta-kylonattempt': attempt ?? '' });
      else response.writeHead(method === 'DELETE' ? 202 : 201);
      response.end();
    };
    let attempt: string | string[] | undefined;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(1024 * 1024, i);
    }
    await expect(store.upload('k', source(), signal)).rejects.toSatisfy(
      (error) => error instanceof StoreUnavailable && error.message.includes('of 20971520 bytes 7 were stored'),
    );
    const blocks = asked.filter(({ path }) => /comp=block(&|$)/.test(path));
    expect(blocks).toHaveLength(3);
    for (const { headers, body } of blocks) expect(headers['content-md5']).toBe(md5(body));
    const [commit, look, deletion] = asked.slice(3);
    expect(commit?.headers['if-none-match']).toBe('*');
    expect([look?.method, deletion?.method]).toEqual(['HEAD', 'DELETE']);
  });
});

describe('an identity of azure', () => {
  it('that cannot be found is told, with what to do', async () => {
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential');
    const opening = open({}, 'https://127.0.0.1:1');
    await expect(opening).rejects.toBeInstanceOf(StoreDenied);
    await expect(opening).rejects.toThrow('set AZURE_STORAGE_KEY');
  });

  it('is refused where the environment makes no sense', async () => {
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'nonsense');
    await expect(open({}, 'https://127.0.0.1:1')).rejects.toThrow('contradict each other');
  });
});
