import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/machinery/errors.ts';
import { parseTarget } from '../../src/machinery/path.ts';

const things = '/apis/things.example.io/v1';
const place = { group: 'things.example.io', version: 'v1', namespace: undefined, name: undefined, subresource: undefined, subpath: [] };
const inN = { ...place, resource: 'things', namespace: 'n' };

describe('a resource path', () => {
  it.each([
    ['GET', `${things}/things`, 'list', { ...place, resource: 'things' }],
    ['GET', `${things}/namespaces/n/things`, 'list', inN],
    ['GET', `${things}/namespaces/n/things/x`, 'get', { ...inN, name: 'x' }],
    ['HEAD', `${things}/namespaces/n/things/x`, 'get', { ...inN, name: 'x' }],
    ['HEAD', `${things}/namespaces/n/things`, 'list', inN],
    ['POST', `${things}/namespaces/n/things`, 'create', inN],
    ['PUT', `${things}/namespaces/n/things/x`, 'update', { ...inN, name: 'x' }],
    ['PATCH', `${things}/namespaces/n/things/x/status`, 'patch', { ...inN, name: 'x', subresource: 'status' }],
    ['DELETE', `${things}/namespaces/n/things/x`, 'delete', { ...inN, name: 'x' }],
    ['DELETE', `${things}/namespaces/n/things`, 'deletecollection', inN],
    ['POST', `${things}/namespaces/n/things/x/restore`, 'create', { ...inN, name: 'x', subresource: 'restore' }],
    ['GET', `${things}/namespaces/n/things/x/items/a/b`, 'get', { ...inN, name: 'x', subresource: 'items', subpath: ['a', 'b'] }],
    ['GET', '/api/v1/configmaps', 'list', { ...place, group: '', resource: 'configmaps' }],
    ['GET', '/api/v1/namespaces', 'list', { ...place, group: '', resource: 'namespaces' }],
    ['GET', '/api/v1/namespaces/x', 'get', { ...place, group: '', resource: 'namespaces', namespace: 'x', name: 'x' }],
    [
      'PUT',
      '/api/v1/namespaces/x/finalize',
      'update',
      { ...place, group: '', resource: 'namespaces', namespace: 'x', name: 'x', subresource: 'finalize' },
    ],
    [
      'GET',
      '/api/v1/namespaces/x/status',
      'get',
      { ...place, group: '', resource: 'namespaces', namespace: 'x', name: 'x', subresource: 'status' },
    ],
    ['GET', '/api/v1/namespaces/x/pods', 'list', { ...place, group: '', resource: 'pods', namespace: 'x' }],
    ['GET', `${things}/watch/namespaces/n/things`, 'watch', inN],
    ['GET', `${things}/watch/namespaces/n/things/x`, 'watch', { ...inN, name: 'x' }],
    ['GET', `${things}/namespaces/n/things/a%20b`, 'get', { ...inN, name: 'a b' }],
  ])('%s %s is %s', (method, url, verb, resource) => {
    expect(parseTarget(method, url)).toMatchObject({ method, verb, resource });
  });

  it.each([
    ['watch=true', 'watch'],
    ['watch=1', 'watch'],
    ['watch', 'watch'],
    ['watch=false', 'list'],
    ['watch=False', 'list'],
    ['watch=0', 'list'],
    ['watch=false&watch=true', 'list'],
    ['Watch=true', 'list'],
  ])('with ?%s is %s', (query, verb) => {
    expect(parseTarget('GET', `${things}/things?${query}`).verb).toBe(verb);
  });

  it('of one object stays a get, as kube-apiserver has authorized it', () => {
    expect(parseTarget('GET', `${things}/things/x?watch=true`).verb).toBe('get');
  });

  it.each([
    ['metadata.name=x', 'x'],
    ['metadata.name%3D%3Dx', 'x'],
    ['a=b,metadata.name=x', 'x'],
    ['metadata.name!=x', undefined],
    ['metadata.name=', undefined],
    ['metadata.name=a/b', undefined],
    ['metadata.name=..', undefined],
    ['metadata.namespace=x', undefined],
    ['a=b\\,metadata.name=x', undefined],
  ])('selected by %s names %s', (selector, name) => {
    expect(parseTarget('GET', `${things}/things?fieldSelector=${selector}`).resource?.name).toBe(name);
    expect(parseTarget('GET', `${things}/things?watch=1&fieldSelector=${selector}`)).toMatchObject({ verb: 'watch', resource: { name } });
  });

  it('of a deletecollection is never narrowed to a name, as kube-apiserver has authorized it', () => {
    const target = parseTarget('DELETE', `${things}/things?fieldSelector=metadata.name=x`);
    expect(target).toMatchObject({ verb: 'deletecollection', resource: { name: undefined } });
  });
});

describe('what is no resource path', () => {
  it.each([
    '/',
    '/api',
    '/api/v1',
    '/apis',
    '/apis/things.example.io',
    things,
    `${things}/`,
    `${things}/things/`,
    `${things}//things`,
    `/apis//v1/things`,
    `/${things}/things`,
    `/APIS/things.example.io/v1/things`,
    `/Api/v1/things`,
    `${things}/namespaces/n/things/a%2Fb`,
    `${things}/namespaces/n%2fsecrets`,
    `/apis%2Fthings.example.io/v1/things`,
    `${things}/watch`,
    '/openapi/v2',
    '*',
  ])('%s', (url) => {
    expect(parseTarget('GET', url)).toMatchObject({ verb: 'get', resource: undefined });
  });

  it('keeps the case of names (C7)', () => {
    expect(parseTarget('GET', `${things}/Things`).resource?.resource).toBe('Things');
  });

  it('has the method as its verb and its path decoded', () => {
    expect(parseTarget('HEAD', '/a%20b?x=1&x=2')).toMatchObject({ method: 'HEAD', verb: 'head', path: '/a b' });
    expect(parseTarget('GET', '/?x=1&x=2').query.get('x')).toBe('1');
  });

  it('does not offer writing by /watch/', () => {
    expect(parseTarget('DELETE', `${things}/watch/things`).resource).toBeUndefined();
  });
});

describe('impossible names', () => {
  it.each([
    `${things}/things/.`,
    `${things}/things/..`,
    `${things}/namespaces/../things`,
    `${things}/things/%2e%2E`,
    `${things}/things/a%25b`,
  ])('%s is refused', (url) => {
    expect(() => parseTarget('GET', url)).toThrow(expect.objectContaining({ code: 400, reason: 'BadRequest' }));
  });

  it('and what cannot be decoded', () => {
    expect(() => parseTarget('GET', `${things}/things/%ZZ`)).toThrow(/cannot be decoded/);
  });
});

it('throws nothing but ApiError, and never finds an empty part or a slash in a name', () => {
  assert(
    property(
      array(constantFrom('apis', 'api', 'v1', 'g', 'namespaces', 'watch', 'things', '', '%2F', '%', '..', 'x', 'status')),
      (parts) => {
        try {
          const { resource } = parseTarget('GET', `/${parts.join('/')}`);
          for (const part of [
            resource?.resource,
            resource?.name,
            resource?.namespace,
            resource?.subresource,
            ...(resource?.subpath ?? []),
          ]) {
            expect(part).not.toBe('');
            expect(part ?? '').not.toContain('/');
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      },
    ),
  );
});
