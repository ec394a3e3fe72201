import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gcsProvider } from '../../src/objectstore/gcs/gcs.ts';
import { placeOf } from '../../src/objectstore/gcs/gcs-place.ts';
import { StoreDenied, StoreError, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { startCannedServer } from './canned-server.ts';
import type { CannedServer } from './canned-server.ts';
import { emptyList, errorBody, open, opened } from './gcs-server.ts';
import { parts, temporaryFolder } from './stores.ts';

const signal = AbortSignal.any([]);

describe('a gs URL', () => {
  it.each([
    ['gs://my-bucket', { name: 'gs://my-bucket', bucket: 'my-bucket', prefix: '' }],
    ['gs://my-bucket/', { name: 'gs://my-bucket', prefix: '' }],
    ['gs://a.example.org/kylon/x/', { name: 'gs://a.example.org/kylon/x', bucket: 'a.example.org', prefix: 'kylon/x/' }],
    ['gs://b_1/p', { endpoint: 'https://storage.googleapis.com', project: undefined }],
    ['gs://bbb/p?endpoint=http://127.0.0.1:4443/&project=my-project', { endpoint: 'http://127.0.0.1:4443', project: 'my-project' }],
    ['gs://bbb/p?endpoint=https%3A%2F%2Fstorage.internal', { name: 'gs://bbb/p', endpoint: 'https://storage.internal' }],
  ])('is read: %s', (url, expected) => {
    expect(placeOf(new URL(url))).toMatchObject(expected);
  });

  it.each([
    ['gs:', 'names no bucket'],
    ['gs:///prefix', 'names no bucket'],
    ['gs://My_Bucket', 'a bucket is named by'],
    ['gs://-a-', 'a bucket is named by'],
    ['gs://ab', 'a bucket is named by'],
    ['gs://a..b', 'a bucket is named by'],
    ['gs://10.0.0.1', 'a bucket is named by'],
    [`gs://${'a'.repeat(64)}`, 'a bucket is named by'],
    ['gs://bucket:80/p', 'a port belongs'],
    ['gs://bucket/p#x', 'a # has no meaning'],
    ['gs://bucket/a//b', 'the prefix is no good'],
    ['gs://bucket/a%20b', 'the prefix is no good'],
    [`gs://bucket/${'a'.repeat(512)}`, 'longer than 511'],
    ['gs://bucket/p?region=secret', 'there is no parameter "region"; there are endpoint, project'],
    ['gs://bucket/p?project=a&project=secret', 'project is given twice'],
    ['gs://bucket/p?project=s%20ecret', 'project is not the id'],
    ['gs://bucket/p?endpoint=secret', 'endpoint is not of the form'],
    ['gs://bucket/p?endpoint=ftp://secret', 'endpoint is not of the form'],
    ['gs://bucket/p?endpoint=http://user:secret@host', 'endpoint is not of the form'],
    ['gs://bucket/p?endpoint=http://host/secret', 'endpoint is not of the form'],
  ])('is refused, without its values: %s', async (url, fault) => {
    const opening = gcsProvider.open(new URL(url), parts, signal);
    await expect(opening).rejects.toBeInstanceOf(StoreError);
    await expect(opening).rejects.toThrow(fault);
    await expect(opening).rejects.not.toThrow('secret');
  });
});

describe('opening a gs store', () => {
  it('loads the SDK, and no sooner', () => {
    const script = `
      const { createRequire } = await import('node:module');
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('google-auth-library'));
      const { providers } = await import('./src/objectstore/providers.ts');
      const before = loaded();
      const gs = providers.find(({ scheme }) => scheme === 'gs');
      const closed = new URL('gs://bucket?endpoint=http://127.0.0.1:1');
      const clock = { now: () => 0, monotonic: () => 0, sleep: () => new Promise(() => {}) };
      const error = await gs.open(closed, { clock, ids: {}, env: {} }, AbortSignal.any([])).catch((error) => error);
      console.log(JSON.stringify([before, loaded(), error.name]));`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: join(import.meta.dirname, '../..') });
    expect(JSON.parse(out.toString())).toEqual([false, true, 'StoreUnavailable']);
  });

  it('asks for one key of the prefix, as nobody where the endpoint has no TLS', async () => {
    await using server = await startCannedServer(() => emptyList);
    const store = await open(server, {}, '&project=payer');
    expect(store.name).toBe('gs://bucket/pre/fix');
    const [{ url, headers } = { url: new URL('none:'), headers: {} }, ...others] = server.received;
    expect(others).toEqual([]);
    expect(url.pathname).toBe('/storage/v1/b/bucket/o');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ prefix: 'pre/fix/', maxResults: '1', userProject: 'payer' });
    expect(headers.authorization).toBeUndefined();
  });

  it.each<[number, unknown, typeof StoreError, string]>([
    [
      404,
      errorBody('The specified bucket does not exist.', 'notFound'),
      StoreError,
      'the bucket bucket does not exist; make it, or correct the URL',
    ],
    [403, errorBody('x does not have storage.objects.list access', 'forbidden'), StoreDenied, 'does not have storage.objects.list access'],
    [401, '', StoreDenied, 'the credentials are not accepted (401)'],
    [503, '', StoreUnavailable, 'the service answers 503'],
    [302, '', StoreError, 'the service answers 302'],
    [200, '<html>', StoreUnavailable, 'the answer is not one of Google Cloud Storage'],
  ])('says what is wrong with the answer %d', async (status, body, Class, message) => {
    await using server = await startCannedServer(() => ({ status, headers: { location: 'http://127.0.0.1:1/' }, body }));
    const opening = open(server);
    await expect(opening).rejects.toThrow('gs://bucket/pre/fix: cannot list the bucket: ');
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toSatisfy((error) => error instanceof Class && server.received.length === 1);
  });
});

describe('the credentials of a gs store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  const withFile = async (content: string) => {
    const file = join(folder, 'key.json');
    await writeFile(file, content);
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file);
    return { env: { GOOGLE_APPLICATION_CREDENTIALS: file } };
  };

  it('are refused when their file is not there', async () => {
    const env = { GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'none') };
    const opening = gcsProvider.open(new URL('gs://bucket'), { ...parts, env }, signal);
    await expect(opening).rejects.toThrow(`gs://bucket: GOOGLE_APPLICATION_CREDENTIALS: the file ${folder}/none cannot be read (ENOENT)`);
  });

  it.each([
    ['hunter2', 'is not a JSON file of credentials'],
    ['{"type": "service_account", "private_key": "hunter2"', 'is not a JSON file of credentials'],
    ['["hunter2"]', 'is not a JSON file of credentials'],
    ['{"type": "service_account", "private_key": "hunter2"}', 'has no client_email'],
    ['{"type": "service_account", "client_email": "a@hunter2"}', 'has no private_key'],
    ['{"type": "service_account", "client_email": "a@b", "private_key": "hunter2"}', 'has a private_key that is none'],
  ])('are refused without being told: %s', async (content, fault) => {
    const opening = gcsProvider.open(new URL('gs://bucket'), { ...parts, ...(await withFile(content)) }, signal);
    await expect(opening).rejects.toThrow(fault);
    await expect(opening).rejects.toThrow(folder);
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  /** Of a workload that changes the token of a file for one of Google. */
  const workload = async (server: CannedServer) => {
    await writeFile(join(folder, 'subject'), 'hunter2');
    return withFile(
      JSON.stringify({
        type: 'external_account',
        audience: '//iam.googleapis.com/x',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${server.url}/token`,
        credential_source: { file: join(folder, 'subject') },
      }),
    );
  };

  it.each(['of the process', 'it is given'])('are sent with each request, and fetched once, by the environment %s', async (environment) => {
    const token = { access_token: 'hunter3', issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 };
    await using server = await startCannedServer(({ url }) =>
      url.pathname === '/token' ? { status: 200, headers: { 'content-type': 'application/json' }, body: token } : emptyList,
    );
    const { env } = await workload(server);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    if (environment === 'it is given') vi.unstubAllEnvs();
    const store = await open(server, { env });
    if (environment === 'of the process') expect(warn).not.toHaveBeenCalled();
    for await (const { key } of store.list('', signal)) expect(key).toBeUndefined();
    const [first, ...others] = server.received;
    expect(first?.url.pathname).toBe('/token');
    expect(others.map(({ headers }) => headers.authorization)).toEqual(['Bearer hunter3', 'Bearer hunter3']);
  });

  it.each<[number, unknown, typeof StoreError, string]>([
    [
      400,
      { error: 'invalid_grant', error_description: 'hunter2' },
      StoreDenied,
      'Google gives no token for the credentials (400, invalid_grant)',
    ],
    [503, 'hunter2', StoreUnavailable, 'a token for the credentials could not be had (503)'],
  ])('are not told when there is no token for them: %d', async (status, body, Class, message) => {
    await using server = await startCannedServer(() => ({ status, headers: { 'content-type': 'application/json' }, body }));
    const opening = open(server, await workload(server));
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.not.toThrow('hunter2');
    await expect(opening).rejects.toBeInstanceOf(Class);
    expect(server.received.every(({ url }) => url.pathname === '/token')).toBe(true);
  });

  it('are not told by a service that echoes what it was sent', async () => {
    await using gs = await opened(() => ({ status: 403, body: errorBody('no:\n  Authorization: Bearer hunter2', 'forbidden') }));
    const put = gs.store.putIfAbsent('k', Buffer.from('x'), signal);
    await expect(put).rejects.toThrow('the credentials do not allow it (403): no: Authorization: Bearer …');
  });
});
