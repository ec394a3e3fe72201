import { describe, expect, it } from 'vitest';
import type { Api } from '../../../src/machinery/api.ts';
import { describe as answer } from '../../../src/machinery/description/documents.ts';
import { defineResource } from '../../../src/machinery/resource.ts';
import { playgroundVersion } from '../../../src/machinery/description/version.ts';
import { api, callOf, things } from '../sample.ts';

const widgets = defineResource({
  ...things,
  group: '',
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  namespaced: false,
  shortNames: [],
  categories: [],
  statusSubresource: false,
  subresources: [],
});

const mixed = { ...api, definitions: [things, widgets] };
const get = (path: string, accept = '', more: object = {}, of: Api = mixed) => answer(of, callOf({ path, accept, ...more }));
const bodyOf = (path: string, accept = '') => JSON.parse(get(path, accept)?.body as string) as Record<string, unknown>;

const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const v2beta1 = v2.replace('v=v2', 'v=v2beta1');
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

describe('discovery', () => {
  it('lists the resources of a group and version', () => {
    expect(bodyOf('/apis/example.io/v1')).toEqual({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'example.io/v1',
      resources: [
        {
          name: 'things',
          singularName: 'thing',
          namespaced: true,
          kind: 'Thing',
          verbs,
          shortNames: ['th'],
          categories: ['sample'],
          storageVersionHash: expect.stringMatching(/^[A-Za-z0-9+/]{11}=$/),
        },
        { name: 'things/status', singularName: '', namespaced: true, kind: 'Thing', verbs: ['get', 'patch', 'update'] },
        { name: 'things/press', singularName: '', namespaced: true, kind: 'Thing', verbs: ['create'] },
      ],
    });
    expect(bodyOf('/api/v1')).toMatchObject({ groupVersion: 'v1', resources: [{ name: 'widgets', namespaced: false }] });
  });

  it('lists groups', () => {
    const versions = {
      versions: [{ groupVersion: 'example.io/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'example.io/v1', version: 'v1' },
    };
    expect(bodyOf('/apis')).toEqual({ kind: 'APIGroupList', apiVersion: 'v1', groups: [{ name: 'example.io', ...versions }] });
    expect(bodyOf('/apis/example.io')).toEqual({ kind: 'APIGroup', apiVersion: 'v1', name: 'example.io', ...versions });
    expect(bodyOf('/api')).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
  });

  it.each([
    '',
    'application/json',
    '*/*',
    'application/*',
    'application/vnd.kubernetes.protobuf,application/json',
    'application/json, */*',
  ])('is JSON for who accepts "%s"', (accept) => {
    for (const path of ['/apis/example.io/v1', '/openapi/v2', '/openapi/v3', '/openapi/v3/apis/example.io/v1'])
      expect(get(path, accept), path).toMatchObject({ status: 200, headers: { 'Content-Type': 'application/json' } });
  });

  it('has no core group where there are no core kinds', () => {
    expect(get('/api', '', {}, api)).toBeUndefined();
    expect(get('/api/v1', '', {}, api)).toBeUndefined();
  });

  it.each([
    [v2, v2, 'apidiscovery.k8s.io/v2'],
    [`${v2},${v2beta1},application/json`, v2, 'apidiscovery.k8s.io/v2'],
    [`${v2beta1},application/json`, v2beta1, 'apidiscovery.k8s.io/v2beta1'],
    [`${v2}; charset=utf-8;profile=nopeer`, v2, 'apidiscovery.k8s.io/v2'],
    ['application/json', 'application/json', 'v1'],
    ['', 'application/json', 'v1'],
    [`${v2.replace('v=v2', 'v=v9')},application/json`, 'application/json', 'v1'],
  ])('of all groups for %s', (accept, type, version) => {
    expect(get('/apis', accept)?.headers['Content-Type']).toBe(type);
    expect(bodyOf('/apis', accept)['apiVersion']).toBe(version);
  });

  it('in one document names a kind for every resource and subresource', () => {
    const responseKind = { group: 'example.io', version: 'v1', kind: 'Thing' };
    expect(bodyOf('/apis', v2)).toEqual({
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      metadata: {},
      items: [
        {
          metadata: { name: 'example.io', creationTimestamp: null },
          versions: [
            {
              version: 'v1',
              freshness: 'Current',
              resources: [
                {
                  resource: 'things',
                  responseKind,
                  scope: 'Namespaced',
                  singularResource: 'thing',
                  verbs,
                  shortNames: ['th'],
                  categories: ['sample'],
                  subresources: [
                    { subresource: 'status', responseKind, verbs: ['get', 'patch', 'update'] },
                    { subresource: 'press', responseKind, acceptedTypes: [responseKind], verbs: ['create'] },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
    expect(bodyOf('/api', v2)).toMatchObject({ items: [{ versions: [{ resources: [{ resource: 'widgets', scope: 'Cluster' }] }] }] });
  });

  it('has tags that depend on the content alone, and answers 304 to who has it', () => {
    const tag = get('/apis', v2)?.headers['ETag'] ?? '';
    const rebuilt = { ...mixed, definitions: [defineResource({ ...things }), defineResource({ ...widgets })] };
    expect(tag).toMatch(/^"[0-9A-F]{128}"$/);
    expect(get('/apis', v2, {}, rebuilt)?.headers['ETag']).toBe(tag);
    expect(get('/apis', v2, {}, { ...mixed, definitions: [defineResource({ ...things, shortNames: ['x'] })] })?.headers['ETag']).not.toBe(
      tag,
    );
    expect(get('/apis', v2beta1)?.headers['ETag']).not.toBe(tag);
    const headers = { 'Content-Type': v2, ETag: tag, Vary: 'Accept', 'Cache-Control': 'public' };
    expect(get('/apis', v2, { ifNoneMatch: `"other", W/${tag}` })).toEqual({ status: 304, headers, body: '' });
    expect(get('/apis', v2, { ifNoneMatch: '"other"' })?.status).toBe(200);
  });
});

describe('other documents', () => {
  it('knows only its own paths', () => {
    for (const path of ['/apis/', '/apis/other.io', '/apis/example.io/v2', '/healthz', '/API', '/openapi/v3/apis/other.io/v1'])
      expect(get(path), path).toBeUndefined();
  });

  it('refuses other methods and media types', () => {
    expect(() => get('/apis', '', { method: 'POST' })).toThrow(expect.objectContaining({ code: 405 }));
    expect(() => get('/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf')).toThrow(
      expect.objectContaining({ code: 406 }),
    );
    expect(() => get('/apis', 'text/html')).toThrow(expect.objectContaining({ code: 406 }));
    expect(get('/version', '', { method: 'HEAD' })?.status).toBe(200);
  });

  it('tells its version', () => {
    expect(bodyOf('/version')).toMatchObject({ major: '0', minor: '1', gitVersion: 'v0.1.0+kylon' });
    const playground = get('/version', '', {}, { ...mixed, version: playgroundVersion });
    expect(JSON.parse(playground?.body as string)).toMatchObject({ major: '1', minor: '36' });
  });

  it('lists all paths, each of which it answers', () => {
    const { paths } = bodyOf('/') as { paths: string[] };
    expect(paths).toEqual(paths.toSorted());
    expect(paths).toContain('/healthz');
    for (const path of paths.filter((path) => !path.endsWith('z'))) expect(get(path)?.status, path).toBe(200);
  });

  it('names only its own groups in the root of OpenAPI v3, with the hash of each document', () => {
    const { paths } = bodyOf('/openapi/v3') as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toEqual(['apis/example.io/v1', 'api/v1']);
    const [path = '', hash] = paths['apis/example.io/v1']?.serverRelativeURL.split('?hash=') ?? [];
    expect(path).toBe('/openapi/v3/apis/example.io/v1');
    expect(get(path, '', { query: new URLSearchParams({ hash: hash ?? '' }) })?.headers).toEqual({
      'Content-Type': 'application/json',
      'Cache-Control': 'public, immutable',
      Expires: 'Mon, 01 Mar 2027 12:00:00 GMT',
      ETag: `"${hash}"`,
      Vary: 'Accept',
    });
  });

  it('sends no OpenAPI document to who has it', () => {
    for (const path of ['/openapi/v2', '/openapi/v3', '/openapi/v3/apis/example.io/v1']) {
      const tag = get(path)?.headers['ETag'] ?? '';
      expect(tag).toMatch(/^"[0-9A-F]{128}"$/);
      expect(get(path, '', { ifNoneMatch: tag })).toMatchObject({ status: 304, body: '' });
    }
  });

  it('gives the current OpenAPI document to who names another hash, and lets nobody keep it', () => {
    const outdated = get('/openapi/v3/apis/example.io/v1', 'application/json', { query: new URLSearchParams('hash=OLD') });
    expect(outdated).toMatchObject({ status: 200, headers: { 'Cache-Control': 'no-cache' } });
    expect(JSON.parse(outdated?.body as string)).toMatchObject({ openapi: '3.0.0' });
  });
});
