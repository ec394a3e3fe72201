/** Credentials that are given for one store: all that it takes, and nothing else. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { accountKeyOf } from '../../src/objectstore/gcs/gcs-credentials.ts';
import { environmentOf } from '../../src/objectstore/given-credentials.ts';

const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's3cret' };

describe('credentials of a store', () => {
  it.each([
    ['s3://bucket', { ...keys, other: 'x', GOOGLE_APPLICATION_CREDENTIALS: '/etc/passwd' }, keys],
    ['s3://bucket', { ...keys, AWS_SESSION_TOKEN: 't' }, { ...keys, AWS_SESSION_TOKEN: 't' }],
    ['azure://account/container', { AZURE_STORAGE_KEY: 'k', AZURE_CLIENT_SECRET: 'x' }, { AZURE_STORAGE_KEY: 'k' }],
    ['gs://bucket', { GOOGLE_CREDENTIALS: '{}', GOOGLE_APPLICATION_CREDENTIALS: '/etc/passwd' }, { GOOGLE_CREDENTIALS: '{}' }],
  ])('of %s are those that it knows', (url, given, expected) => {
    const found = Object.fromEntries(Object.entries(environmentOf(url, given)).filter(([, value]) => value !== undefined));
    expect(found).toEqual(expected);
  });

  it.each([
    ['s3://bucket', { AWS_SECRET_ACCESS_KEY: 's3cret' }, 'the credentials lack AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    ['s3://bucket', { ...keys, AWS_ACCESS_KEY_ID: '' }, 'the credentials lack'],
    ['gs://bucket', { GOOGLE_APPLICATION_CREDENTIALS: '/etc/passwd' }, 'the credentials lack GOOGLE_CREDENTIALS'],
    ['azure://account/container', {}, 'AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_KEY, or AZURE_STORAGE_SAS_TOKEN'],
    ['file:///x', keys, 'this store takes none'],
  ])('of %s, from %j, are never those of the process instead', (url, given, message) => {
    expect(() => environmentOf(url, given)).toThrow(message);
  });
});

describe('GOOGLE_CREDENTIALS', () => {
  const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const account = { type: 'service_account', client_email: 'kylon@project', private_key: privateKey };

  it('is the key of a service account', () => {
    expect(accountKeyOf('gs://bucket', JSON.stringify(account))).toEqual({ client_email: 'kylon@project', private_key: privateKey });
  });

  it.each([
    ['what is no JSON', 'hunter2'],
    ['a form that names a file', JSON.stringify({ type: 'external_account', credential_source: { file: '/etc/hunter2' } })],
    ['a key that is none', JSON.stringify({ ...account, private_key: 'hunter2' })],
  ])('is not %s, and is not repeated', (_, text) => {
    expect(() => accountKeyOf('gs://bucket', text)).toThrow(/^(?!.*hunter2)gs:\/\/bucket: GOOGLE_CREDENTIALS /s);
  });
});
