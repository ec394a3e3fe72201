import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { azureAccessOf } from '../../src/objectstore/azure/azure-access.ts';
import { azureAddressOf } from '../../src/objectstore/azure/azure-address.ts';
import { StoreError } from '../../src/objectstore/objectstore.ts';

const addressOf = (text: string) => azureAddressOf(new URL(text));
const address = addressOf('azure://account1/box/p');
const accessOf = (env: Readonly<Record<string, string>>, url = 'azure://account1/box/p') => azureAccessOf(addressOf(url), env);
const publicEndpoint = 'https://account1.blob.core.windows.net';

/** The StoreError that `work` throws. */
function faultOf(work: () => unknown): StoreError {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the URL of a store on azure', () => {
  it.each([
    ['azure://account1/box', '', 'azure://account1/box'],
    ['azure://account1/box/', '', 'azure://account1/box'],
    ['azure://account1/my-box-1/a/b.c', 'a/b.c/', 'azure://account1/my-box-1/a/b.c'],
    ['azure://account1/my-box-1/a/b.c/', 'a/b.c/', 'azure://account1/my-box-1/a/b.c'],
  ])('%s has the prefix %j', (url, prefix, name) => {
    expect(addressOf(url)).toMatchObject({ account: 'account1', prefix, name, endpoint: undefined });
  });

  it('may name an endpoint, which is not part of its name', () => {
    const { endpoint, name } = addressOf('azure://account1/box?endpoint=http%3A%2F%2F127.0.0.1%3A10000%2Faccount1%2F');
    expect([endpoint, name]).toEqual(['http://127.0.0.1:10000/account1', 'azure://account1/box']);
  });

  it.each([
    ['azure:///box', 'the account'],
    ['azure://Account1/box', 'the account'],
    ['azure://ac/box', 'the account'],
    ['azure://account.1/box', 'the account'],
    ['azure://account1:80/box', 'the account'],
    ['azure://account1', 'the container'],
    ['azure://account1/', 'the container'],
    ['azure://account1/Box', 'the container'],
    ['azure://account1/my--box', 'the container'],
    ['azure://account1/-box', 'the container'],
    ['azure://account1/$root', 'the container'],
    [`azure://account1/${'b'.repeat(64)}`, 'the container'],
    ['azure://account1/box//a', 'the prefix'],
    ['azure://account1/box/a%20b', 'the prefix'],
    ['azure://account1/box/a~', 'the prefix'],
    [`azure://account1/box/${'p'.repeat(512)}`, 'the prefix'],
    ['azure://account1/box#hidden', '#'],
    ['azure://account1/box?sig=hidden', 'behind the question mark'],
    ['azure://account1/box?endpoint=https://a.b&hidden=1', 'behind the question mark'],
    ['azure://account1/box?endpoint=https://a.b&endpoint=https://c.d', 'behind the question mark'],
    ['azure://account1/box?endpoint=hidden', 'its endpoint is not an http'],
    ['azure://account1/box?endpoint=ftp://hidden', 'its endpoint is not an http'],
    ['azure://account1/box?endpoint=https://hidden:hidden@a.b', 'its endpoint has more'],
    ['azure://account1/box?endpoint=https%3A%2F%2Fa.b%3Fsig%3Dhidden', 'its endpoint has more'],
  ])('%s is refused', (url, part) => {
    const { message } = faultOf(() => addressOf(url));
    expect(message).toContain(part);
    expect(message).not.toContain('hidden');
  });
});

describe('access to azure', () => {
  const connection = `DefaultEndpointsProtocol=https;AccountName=account1;AccountKey=Zm9v==;EndpointSuffix=core.chinacloudapi.cn`;

  it('is by the first that is set: connection string, key, SAS token, identity', () => {
    const sas = { AZURE_STORAGE_SAS_TOKEN: '?sv=1&sig=a%2Bb' };
    const key = { ...sas, AZURE_STORAGE_KEY: 'YmFy' };
    const whole = { ...key, AZURE_STORAGE_CONNECTION_STRING: connection };
    expect(accessOf(whole)).toEqual({ kind: 'key', key: 'Zm9v==', endpoint: 'https://account1.blob.core.chinacloudapi.cn' });
    expect(accessOf(key)).toEqual({ kind: 'key', key: 'YmFy', endpoint: publicEndpoint });
    expect(accessOf(sas)).toEqual({ kind: 'sas', token: 'sv=1&sig=a%2Bb', endpoint: publicEndpoint });
    expect(accessOf({ AZURE_STORAGE_KEY: '', AZURE_STORAGE_SAS_TOKEN: '' })).toEqual({ kind: 'identity', endpoint: publicEndpoint });
  });

  it.each([
    ['AccountName=account1;AccountKey=Zm9v', publicEndpoint],
    ['BlobEndpoint=https://account1.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x', publicEndpoint],
    ['BlobEndpoint=http://127.0.0.1:1/account1;SharedAccessSignature=?sig=x;', 'http://127.0.0.1:1/account1'],
    ['AccountName=account1;BlobEndpoint=https://blobs.example;AccountKey=Zm9v', 'https://blobs.example'],
  ])('may be by the connection string %s', (text, endpoint) => {
    expect(accessOf({ AZURE_STORAGE_CONNECTION_STRING: text }).endpoint).toBe(endpoint);
  });

  it('goes to the endpoint of the URL before that of the connection string', () => {
    const url = 'azure://account1/box?endpoint=https://here.example';
    expect(accessOf({ AZURE_STORAGE_CONNECTION_STRING: connection }, url).endpoint).toBe('https://here.example');
  });

  it.each([
    [{ AZURE_STORAGE_CONNECTION_STRING: 'hidden' }, 'AZURE_STORAGE_CONNECTION_STRING has a part without NAME='],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'AccountName=hidden;AccountKey=Zm9v' }, 'of another account than the URL'],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'BlobEndpoint=https://hidden.blob.x;SharedAccessSignature=sig=1' }, 'of another account'],
    [
      { AZURE_STORAGE_CONNECTION_STRING: 'AccountName=account1;BlobEndpoint=hidden' },
      'the BlobEndpoint of AZURE_STORAGE_CONNECTION_STRING',
    ],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'AccountName=account1;DefaultEndpointsProtocol=hidden' }, 'the DefaultEndpointsProtocol or'],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'AccountName=account1' }, 'neither AccountKey nor SharedAccessSignature'],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'AccountKey=Zm9v' }, 'neither BlobEndpoint nor AccountName'],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' }, 'neither BlobEndpoint nor AccountName'],
    [{ AZURE_STORAGE_CONNECTION_STRING: 'AccountName=account1;AccountKey=hidden!' }, 'AZURE_STORAGE_CONNECTION_STRING is not in base64'],
    [{ AZURE_STORAGE_KEY: 'hidden key' }, 'AZURE_STORAGE_KEY is not in base64'],
    [{ AZURE_STORAGE_SAS_TOKEN: 'https://hidden' }, 'AZURE_STORAGE_SAS_TOKEN is not a SAS token'],
    [{ AZURE_STORAGE_SAS_TOKEN: 'sig=hid\nden' }, 'AZURE_STORAGE_SAS_TOKEN is not a SAS token'],
  ])('is refused with %j', (env, message) => {
    const fault = faultOf(() => accessOf(env));
    expect(fault.message).toContain(message);
    expect(fault.message).not.toContain('hid');
  });

  it('by an identity goes over https only', () => {
    const fault = faultOf(() => accessOf({}, 'azure://account1/box?endpoint=http://127.0.0.1:1/account1'));
    expect(fault.message).toContain('https');
  });

  it('never tells what a variable holds', () => {
    const variables = ['AZURE_STORAGE_CONNECTION_STRING', 'AZURE_STORAGE_KEY', 'AZURE_STORAGE_SAS_TOKEN'];
    const secret = 's3cr3t';
    const value = fc.array(
      fc.constantFrom(secret, '=', ';', '?', '&', 'AccountName=account1;', 'AccountKey=', 'BlobEndpoint=https://', '!'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...variables), value, (variable, parts) => {
        try {
          azureAccessOf(address, { [variable]: parts.join('') });
        } catch (error) {
          expect(error).toBeInstanceOf(StoreError);
          expect(String(error)).not.toContain(secret);
        }
      }),
    );
  });
});
