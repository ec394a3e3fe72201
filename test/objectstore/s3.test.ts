/** Opening S3 stores: what the URL and the environment may say, and what is done first. */
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { StoreDenied, StoreError, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { openS3, s3Provider } from '../../src/objectstore/s3/s3.ts';
import { issue } from '../auth/pki.ts';
import { ManualClock } from '../manual-clock.ts';
import { env, faultOf, s3Bucket, urlAt } from './s3-bucket.ts';
import type { S3Server } from './s3-server.ts';
import { emptyList, failure, startS3Server } from './s3-server.ts';
import { parts, temporaryFolder } from './stores.ts';

const signal = AbortSignal.any([]);
const body = Buffer.from('content');
const bucket = s3Bucket();

describe('the URL of an S3 store', () => {
  it('gives bucket, prefix and name; keys go below the prefix', async () => {
    const store = await bucket.open('&region=eu-west-1');
    expect(store.name).toBe('s3://bucket/prefix');
    bucket.server.answer(() => ({ headers: { etag: '"x"' } }));
    await store.putIfAbsent('a/b', body, signal);
    expect(bucket.server.asked[0]?.path).toMatch(/^\/prefix\/a\/b\?/);
    expect(bucket.server.asked[0]?.headers.authorization).toContain('/eu-west-1/s3/');
    expect(bucket.server.asked[0]?.headers['x-amz-security-token']).toBe('the-session-token');
  });

  it.each(['', '/'])('needs no prefix: %j', async (path) => {
    bucket.server.answer(() => emptyList);
    const store = await openS3(new URL(`s3://bucket${path}?endpoint=${bucket.server.endpoint}`), { ...parts, env }, signal);
    bucket.closing(store);
    expect(store.name).toBe('s3://bucket');
    bucket.server.answer(() => ({ headers: { etag: '"x"' } }));
    await store.putIfAbsent('a/b', body, signal);
    expect(bucket.server.asked[0]?.path).toMatch(/^\/a\/b\?/);
  });

  it.each([
    [{ AWS_REGION: 'eu-north-1', AWS_DEFAULT_REGION: 'x' }, 'eu-north-1'],
    [{ AWS_DEFAULT_REGION: 'eu-south-1' }, 'eu-south-1'],
    [{}, 'us-east-1'],
  ])('takes the region from %j', async (regions, region) => {
    bucket.server.answer(() => emptyList);
    bucket.closing(await openS3(urlAt(bucket.server.endpoint), { ...parts, env: { ...env, ...regions } }, signal));
    expect(bucket.server.asked[0]?.headers.authorization).toContain(`/${region}/s3/`);
  });

  it('asks for encryption where it says so', async () => {
    const store = await bucket.open('&sse=aws:kms&sseKmsKeyId=key-1');
    bucket.server.answer(() => ({ headers: { etag: '"x"' } }));
    await store.putIfAbsent('k', body, signal);
    expect(bucket.server.asked[0]?.headers['x-amz-server-side-encryption']).toBe('aws:kms');
    expect(bucket.server.asked[0]?.headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe('key-1');
  });

  it.each([
    ['s3://Bucket/x', 'must be the name of a bucket'],
    ['s3://ab', 'must be the name of a bucket'],
    ['s3:///x', 'must be the name of a bucket'],
    ['s3://localhost:9000/bucket', 'an address belongs behind ?endpoint='],
    ['s3://fast--use1-az4--x-s3/x', 'a directory bucket (S3 Express One Zone) lists its keys in no order'],
    ['s3://bucket/a//b', 's3://bucket: the prefix must be parts of'],
    ['s3://bucket/a%20b', 's3://bucket: the prefix must be parts of'],
    [`s3://bucket/${'a'.repeat(512)}`, '511 characters at most'],
    ['s3://bucket/x#y', 'has a #'],
    ['s3://bucket/x?bukket=hidden', 's3://bucket/x: there is no parameter "bukket"; there are endpoint, region, pathStyle,'],
    ['s3://bucket/x?region=a&region=hidden', 'the parameter region twice'],
    ['s3://bucket/x?region=', 'the parameter region of the URL is empty'],
    ['s3://bucket/x?region=hidden!', 'region must be the name of a region'],
    ['s3://bucket/x?endpoint=hidden', 'endpoint must be a URL that begins with https:// or http://'],
    ['s3://bucket/x?endpoint=ftp://hidden', 'endpoint must be a URL that begins with https:// or http://'],
    ['s3://bucket/x?endpoint=https://me:hidden@host', 'endpoint holds a user name or password'],
    ['s3://bucket/x?endpoint=https://host/%3Fx=hidden', 'endpoint must be a URL without ? and #'],
    ['s3://bucket/x?pathStyle=hidden', 'pathStyle must be true or false'],
    ['s3://bucket/x?caFile=hidden', 'caFile must be an absolute path'],
    ['s3://bucket/x?caFile=/none/ca.pem', 'cannot use the file that caFile names: ENOENT'],
    ['s3://bucket/x?sse=hidden', 'sse must be AES256 or aws:kms'],
    ['s3://bucket/x?sse=AES256&sseKmsKeyId=hidden', 'sseKmsKeyId needs sse=aws:kms'],
  ])('is refused: %s', async (url, message) => {
    const fault = await faultOf(s3Provider.open(new URL(url), { ...parts, env }, signal));
    expect(fault).toBeInstanceOf(StoreError);
    expect(fault.message).toContain(message);
    expect(fault.message).not.toContain('hidden');
  });

  it.each([
    [{ AWS_ACCESS_KEY_ID: 'hidden' }, 'AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not'],
    [{ AWS_SECRET_ACCESS_KEY: 'hidden' }, 'AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not'],
    [{ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'hidden\n' }, 'AWS_SECRET_ACCESS_KEY holds a space or line feed'],
    [{ ...env, AWS_REGION: 'hidden/' }, 'AWS_REGION must be the name of a region'],
  ])('goes with variables that are checked, too: %j', async (wrong, message) => {
    const fault = await faultOf(s3Provider.open(urlAt(bucket.server.endpoint), { ...parts, env: wrong }, signal));
    expect(fault).toBeInstanceOf(StoreError);
    expect(fault.message).toBe(
      message.startsWith('s3') ? message : `s3://bucket/prefix: ${message}${message.includes('region') ? ', such as eu-central-1' : ''}`,
    );
  });
});

describe('opening an S3 store', () => {
  it('loads the SDK no sooner', () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      await import(${JSON.stringify(resolve(import.meta.dirname, '../../src/objectstore/s3/s3.ts'))});
      console.log(loaded.length > 5, loaded.filter((url) => /@aws-sdk|@smithy/.test(url)).length);`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('true 0\n');
  });

  describe('without keys in the environment', () => {
    beforeEach(() => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'])
        vi.stubEnv(name, undefined);
      for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) vi.stubEnv(name, '/none');
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    });
    afterEach(() => {
      vi.unstubAllEnvs();
    });

    it('takes credentials from where the SDK finds them, such as the shared file, and keeps its warnings to itself', async () => {
      const folder = await temporaryFolder();
      const file = join(folder, 'credentials');
      await writeFile(file, '[profile]\naws_access_key_id = from-the-file\naws_secret_access_key = x\n');
      const doubtful = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'profile', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
      for (const [name, value] of Object.entries(doubtful)) vi.stubEnv(name, value);
      const warnings = [vi.spyOn(console, 'warn'), vi.spyOn(process, 'emitWarning')];
      bucket.server.answer(() => emptyList);
      bucket.closing(await s3Provider.open(urlAt(bucket.server.endpoint), { ...parts, env: {} }, signal));
      expect(bucket.server.asked[0]?.headers.authorization).toContain('Credential=from-the-file/');
      for (const warning of warnings) expect(warning).not.toHaveBeenCalled();
      vi.restoreAllMocks();
      await rm(folder, { recursive: true });
    });

    it('says what to do when there are none', async () => {
      const fault = await faultOf(s3Provider.open(urlAt(bucket.server.endpoint), { ...parts, env: {} }, signal));
      expect(fault).toBeInstanceOf(StoreDenied);
      expect(fault.message).toContain(
        'no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a role',
      );
    });

    it('says which region is missing', async () => {
      vi.stubEnv('AWS_REGION', undefined);
      const fault = await faultOf(s3Provider.open(new URL('s3://bucket/prefix'), { ...parts, env }, signal));
      expect(fault.constructor).toBe(StoreError);
      expect(fault.message).toBe('s3://bucket/prefix: no region is known: name it by ?region= or AWS_REGION');
    });
  });

  it('ends old uploads below the prefix, over several pages, and leaves young ones alone', async () => {
    const clock = new ManualClock();
    const upload = (key: string, id: string, age: number) =>
      `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${new Date(clock.now() - age * 3600_000).toISOString()}</Initiated></Upload>`;
    const pages = [
      `<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>${upload('prefix/a', '1', 25)}${upload('prefix/b', '2', 23)}</ListMultipartUploadsResult>`,
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${upload('prefix/c', '3', 1000)}${upload('elsewhere', '4', 1000)}</ListMultipartUploadsResult>`,
    ];
    bucket.server.answer(({ method, path }) =>
      method === 'DELETE' ? { status: 204 } : path.includes('uploads') ? { body: pages.shift() ?? '' } : emptyList,
    );
    bucket.closing(await openS3(urlAt(bucket.server.endpoint), { ...parts, clock, env }, signal));
    const asked = bucket.server.asked.map(({ method, path }) => `${method} ${path}`);
    expect(asked.filter((one) => one.startsWith('DELETE'))).toEqual([
      expect.stringMatching(/^DELETE \/prefix\/a\?.*uploadId=1&/),
      expect.stringMatching(/^DELETE \/prefix\/c\?.*uploadId=3&/),
    ]);
    const lists = bucket.server.asked.filter(({ path }) => path.includes('uploads'));
    expect(lists.map(({ path }) => path.includes('prefix=prefix%2F'))).toEqual([true, true]);
    expect(lists[1]?.path).toMatch(/key-marker=prefix%2Fb.*upload-id-marker=2/);
  });

  it.each([failure(403, 'AccessDenied'), failure(501, 'NotImplemented'), failure(500, 'InternalError')])(
    'does without the sweep where the store answers $status',
    async (answer) => {
      bucket.server.answer(({ path }) => (path.includes('uploads') ? answer : emptyList));
      bucket.closing(await openS3(urlAt(bucket.server.endpoint), { ...parts, env }, signal));
    },
  );
});

describe('an S3 store with TLS', () => {
  const authority = issue(undefined, { cn: 'an authority', ca: true });
  let secure: S3Server;
  let folder: string;
  beforeAll(async () => {
    secure = await startS3Server(issue(authority, { cn: 'localhost', usage: 'server' }));
    folder = await temporaryFolder();
  });
  afterAll(async () => {
    await secure.close();
    await rm(folder, { recursive: true });
  });
  const openWith = async (text: string) => {
    await writeFile(join(folder, 'ca.pem'), text);
    return s3Provider.open(urlAt(secure.endpoint, `&caFile=${folder}/ca.pem`), { ...parts, env }, signal);
  };

  it('is trusted by the certificate in caFile', async () => {
    bucket.closing(await openWith(authority.cert));
  });

  it('is trusted by the certificates that are given for it', async () => {
    bucket.closing(await s3Provider.open(urlAt(secure.endpoint), { ...parts, env, ca: authority.cert }, signal));
    await expect(s3Provider.open(urlAt(secure.endpoint), { ...parts, env, ca: 'nothing' }, signal)).rejects.toThrow(
      'cannot use the certificates that are given for it: it holds no certificate in PEM form',
    );
  });

  it('is not trusted without, and that is said', async () => {
    const fault = await faultOf(s3Provider.open(urlAt(secure.endpoint), { ...parts, env }, signal));
    expect(fault).toBeInstanceOf(StoreUnavailable);
    expect(fault.message).toMatch(/nobody who is trusted here has signed the certificate \(caFile may name its authority\) at https:/);
  });

  it('is refused where the file holds no certificate', async () => {
    await expect(openWith('nothing')).rejects.toThrow('cannot use the file that caFile names: it holds no certificate in PEM form');
  });
});
