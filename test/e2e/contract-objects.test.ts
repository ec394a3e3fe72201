/**
 * The same requests to a kind that kube-apiserver serves itself, of a CustomResourceDefinition, and to Backups: codes, reasons, messages
 * and forms must be the same. What comes of watches is read from the wire. The numbers are those of docs/conformance.md.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { acceptance, acceptanceBed, small } from './acceptance.ts';
import type { KubeObject } from './kubectl.ts';
import { path } from './objects.ts';
import { eventually } from './process.ts';
import { watching } from './watching.ts';

const ns = 'kylon-e2e-contract';
const twins = 'twins.kylon-e2e.example.test';
const json = { 'content-type': 'application/json' };
const merge = { 'content-type': 'application/merge-patch+json' };
const jsonPatch = { 'content-type': 'application/json-patch+json' };
const as = (kind: string) => ({ accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` });

/** A kind like ours, kept by kube-apiserver. */
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `backups.${twins}` },
  spec: {
    group: twins,
    scope: 'Namespaced',
    names: { kind: 'Backup', plural: 'backups' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, status: { type: 'object' } },
          },
        },
      },
    ],
  },
};

interface Ask {
  readonly method?: string;
  /** Behind the collection: `/NAME`, `?limit=1`. */
  readonly to: string;
  readonly headers?: Record<string, string>;
  readonly body?: object | string;
}

const named = (name: string, more: object = {}, metadata: object = {}) => ({ metadata: { name, ...metadata }, ...more });
const post = (to: string, body: object | string, headers: Record<string, string> = json): Ask => ({ method: 'POST', to, headers, body });
const patch = (to: string, body: object | string, headers: Record<string, string> = merge): Ask => ({ method: 'PATCH', to, headers, body });
const remove = (to: string, body?: object | string): Ask => ({ method: 'DELETE', to, headers: json, ...(body !== undefined && { body }) });

const alike: Readonly<Record<string, readonly Ask[]>> = {
  '5.1 errors': [
    { to: '/nope' },
    { method: 'PUT', to: '/nope', headers: json, body: named('nope', {}, { resourceVersion: '1' }) },
    post('', named('one')),
    post('', named('Not_A_Name')),
  ],
  '5.3 what is created': [
    post('?dryRun=All', named('new')),
    post('?dryRun=All', named('new', {}, { uid: 'mine', generation: 7, deletionTimestamp: '2020-01-01T00:00:00Z' })),
    post('', named('new', {}, { namespace: 'other' })),
    post('', named('new', { apiVersion: 'other.example.test/v1', kind: 'Backup' })),
    post('', { metadata: {} }),
    post('?dryRun=All', named('new', {}, { finalizers: ['a.b', 'a.b/c', 'orphan'] })),
    post('', named('new', {}, { labels: { 'a b': 'c' } })),
    post('', named('new', {}, { labels: { a: '-' } })),
    post('', named('new', {}, { annotations: { a: 'x'.repeat(262_144) } })),
    post('', named('new', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'a', uid: '' }] })),
    post(
      '',
      named('new', {}, { ownerReferences: ['1', '2'].map((uid) => ({ apiVersion: 'v1', kind: 'A', name: uid, uid, controller: true })) }),
    ),
  ],
  '5.4 options of writes': [
    post('?fieldValidation=x', named('new')),
    post(`?fieldManager=${'m'.repeat(129)}`, named('new')),
    post('?timeout=abc', named('new')),
    post('?fieldValidation=Strict', named('new', { more: 1 }, { other: 1 })),
    post('?dryRun=All&foo=bar', named('new', { more: 1 })),
    post('?dryRun=All&fieldValidation=Ignore', named('new', { more: 1 })),
    patch('/one?force=true', {}),
    patch('/one?fieldValidation=x', {}),
  ],
  '5.5 changes': [
    patch('/one', {}),
    patch('/one', { metadata: { name: 'two' } }),
    patch('/one', { metadata: { namespace: 'other' } }),
    patch('/one', { metadata: { resourceVersion: '1' } }),
    patch('/nope', {}),
    patch('/one', {}, { 'content-type': 'application/merge-patch+json; charset=utf-8' }),
    patch('/one?dryRun=All', [{ op: 'replace', path: '/spec/ttl', value: '8h' }], jsonPatch),
    patch(
      '/one',
      Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'Backup' })),
      jsonPatch,
    ),
    { method: 'PUT', to: '/one', headers: json, body: named('two', {}, { resourceVersion: '1' }) },
    { method: 'PUT', to: '/one', headers: json, body: named('one', {}, { namespace: 'other', resourceVersion: '1' }) },
    { method: 'PUT', to: '/one', headers: json, body: named('one', {}, { resourceVersion: '1' }) },
    { method: 'PUT', to: '/one/status', headers: json, body: named('one', {}, { resourceVersion: '1' }) },
  ],
  '5.6 lists': [
    { to: '' },
    { to: '?labelSelector=n in (1,2),!x' },
    { to: '?labelSelector=n notin (1)' },
    { to: '?labelSelector=n>1' },
    { to: '?labelSelector=a b' },
    { to: '?labelSelector=a in (' },
    { to: '?fieldSelector=metadata.name!=one,metadata.namespace=' + ns },
    { to: '?fieldSelector=metadata.name' },
    { to: '?limit=1' },
    { to: '?limit=-1' },
    { to: '?resourceVersion=0' },
    { to: '?resourceVersionMatch=Exact' },
    { to: '?resourceVersion=0&resourceVersionMatch=Exact' },
    { to: '?resourceVersion=1&resourceVersionMatch=x' },
    { to: '?continue=x&resourceVersionMatch=Exact&resourceVersion=1' },
    { to: '?sendInitialEvents=true' },
    { to: '?resourceVersion=99999999&resourceVersionMatch=NotOlderThan' },
    { to: '?resourceVersion=99999999&resourceVersionMatch=Exact' },
    { to: '/one?resourceVersion=0' },
    { to: '/one?resourceVersion=99999999' },
  ],
  '5.7 parameters of watches': [
    { to: '?watch=1&sendInitialEvents=true' },
    { to: '?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact' },
    { to: '?watch=1&resourceVersionMatch=NotOlderThan' },
    { to: '?watch=1&continue=x' },
    { to: '?watch=1&labelSelector=a b' },
    { to: '?watch=1&fieldSelector=a' },
  ],
  '5.8 deletions that are refused or tried': [
    remove('/nope'),
    remove('/one', { propagationPolicy: 'Orphan', orphanDependents: true }),
    remove('?dryRun=All&labelSelector=n=1'),
    remove('?labelSelector=a b'),
    remove('?resourceVersion=0&resourceVersionMatch=Exact'),
  ],
  '5.9 Tables': [
    { to: '', headers: as('Table') },
    { to: '/one', headers: as('Table') },
    { to: '?labelSelector=none', headers: as('Table') },
    { to: '?includeObject=None', headers: as('Table') },
    { to: '?includeObject=Object', headers: as('Table') },
    { to: '?limit=1', headers: as('Table') },
    { to: '/nope', headers: as('Table') },
    { ...patch('/one', {}), headers: { ...merge, ...as('Table') } },
    { to: '', headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v9,application/json' } },
  ],
  '5.10 metadata alone': [
    { to: '', headers: as('PartialObjectMetadataList') },
    { to: '/one', headers: as('PartialObjectMetadata') },
    { ...post('?dryRun=All', named('new')), headers: { ...json, ...as('PartialObjectMetadata') } },
    { ...patch('/one', {}), headers: { ...merge, ...as('PartialObjectMetadata') } },
    { ...remove('?labelSelector=none'), headers: as('PartialObjectMetadataList') },
  ],
};

describe(`contract: ${acceptance.title}`, acceptance.options, () => {
  const { kubectl, create, finished, send, address } = acceptanceBed(ns);
  const stream = (to: string, headers: Record<string, string> = {}) => watching(address() + to, headers);
  const ours = path(ns, 'backups');
  const theirs = `/apis/${twins}/v1alpha1/namespaces/${ns}/backups`;

  beforeAll(async () => {
    await kubectl.run(['apply', '-f', '-'], definition);
    await kubectl.run(['wait', '--for=condition=Established', `crd/backups.${twins}`]);
    await eventually(async () => (await send('GET', theirs)).status === 200);
    for (const [n, name] of ['one', 'two', 'three'].entries()) {
      const labels = { n: String(n + 1) };
      await finished(name, small, labels);
      await create({ apiVersion: `${twins}/v1alpha1`, kind: 'Backup', metadata: { namespace: ns, name, labels }, spec: small });
    }
    return () => kubectl.run(['delete', 'crd', `backups.${twins}`]);
  });

  const answer = async (collection: string, group: string, { method = 'GET', to, headers, body }: Ask) => {
    const text = typeof body === 'object' ? JSON.stringify(typed(body, group)) : body;
    const reply = await send(method, collection + encodeURI(to), {
      headers: { 'user-agent': 'contract', ...headers },
      ...(text !== undefined && { body: text }),
    });
    const warnings = reply.headers.get('warning');
    return { status: reply.status, type: reply.headers.get('content-type'), warnings, ...seen(reply.text.replaceAll(group, 'GROUP')) };
  };

  describe.each(Object.entries(alike))('%s', (_, asks) => {
    it.each(asks.map((ask) => [`${ask.method ?? 'GET'} ${ask.to}`, ask] as const))('%s', async (__, ask) => {
      expect(await answer(ours, 'backup.kylon.io', ask)).toEqual(await answer(theirs, twins, ask));
    });
  });

  const now = async () => (JSON.parse((await send('GET', ours)).text) as KubeObject).metadata.resourceVersion ?? '';
  const label = (name: string, labels: object) =>
    send('PATCH', `${ours}/${name}`, { headers: merge, body: JSON.stringify({ metadata: { labels } }) });
  const streaming = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

  it('5.7.1 a watch has its headers before there is anything to tell, and ends with a clean end (5.7.7)', async () => {
    const begun = Date.now();
    const watch = await stream(`${ours}?watch=1&timeoutSeconds=3&resourceVersion=${await now()}`);
    expect(Date.now() - begun).toBeLessThan(2000);
    expect(watch.status).toBe(200);
    expect([watch.headers.get('content-type'), watch.headers.get('content-length')]).toEqual(['application/json', null]);
    expect(await watch.rest()).toEqual([]);
    expect(Date.now() - begun).toBeGreaterThan(2500);
  });

  it.each([
    ['objects', {}, 'Backup'],
    ['metadata', as('PartialObjectMetadata'), 'PartialObjectMetadata'],
    ['Tables', as('Table'), 'Table'],
  ])('5.7.9 a streaming list of %s: all there is, a mark, and then every change', async (_, headers, kind) => {
    const watch = await stream(`${ours}?${streaming}&timeoutSeconds=10`, headers);
    const first = await watch.take(4);
    expect(first.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
    expect(JSON.stringify(first[3])).toContain('"k8s.io/initial-events-end":"true"');
    await label('one', { moment: `t${Date.now()}` });
    expect((await watch.take(1))[0]).toMatchObject({ type: 'MODIFIED' });
    await watch.cancel();
    expect(new Set(first.map(({ object }) => object.kind))).toEqual(new Set([kind]));
    if (kind === 'Table') expect(first.map(({ object }) => object['columnDefinitions'] !== null)).toEqual([true, false, false, false]);
  });

  it('5.7.9 a streaming list of nothing has its mark at once', async () => {
    const watch = await stream(`${ours}?${streaming}&timeoutSeconds=10&labelSelector=none`, as('PartialObjectMetadata'));
    expect(await watch.take(1)).toEqual([
      {
        type: 'BOOKMARK',
        object: {
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: {
            resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
            creationTimestamp: null,
            annotations: { 'k8s.io/initial-events-end': 'true' },
          },
        },
      },
    ]);
    await watch.cancel();
  });

  it('5.7.6 who begins to match a selector comes, and who ceases to goes', async () => {
    const watch = await stream(`${ours}?watch=1&labelSelector=in&timeoutSeconds=10&resourceVersion=${await now()}`);
    for (const labels of [{ in: '1' }, { in: '2' }, { in: null }]) await label('two', labels);
    const events = await watch.take(3);
    await watch.cancel();
    expect(events.map(({ type, object }) => [type, object.metadata.labels?.['in']])).toEqual([
      ['ADDED', '1'],
      ['MODIFIED', '2'],
      ['DELETED', '2'],
    ]);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(versions).size).toBe(3);
  });

  it.each(['', '?watch=1'])('5.7.13 what can only be created is neither read nor watched: restore%s', async (query) => {
    const { status, text } = await send('GET', `${ours}/one/restore${query}`);
    expect([status, JSON.parse(text)]).toMatchObject([405, { kind: 'Status', reason: 'MethodNotAllowed' }]);
  });

  it('5.7.12 a watch by WebSocket, as web interfaces open it', async () => {
    const url = `${address().replace('http', 'ws')}${ours}?${streaming}&timeoutSeconds=3`;
    const socket = new WebSocket(url, 'base64.binary.k8s.io');
    const events: string[] = [];
    socket.addEventListener('message', ({ data }) => {
      events.push((JSON.parse(data as string) as { type: string }).type);
      if (events.length === 4) void label('three', { moment: `t${Date.now()}` });
    });
    const { code, wasClean } = await new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve));
    expect([socket.protocol, code, wasClean]).toEqual(['base64.binary.k8s.io', 1000, true]);
    expect(events.slice(0, 5)).toEqual(['ADDED', 'ADDED', 'ADDED', 'BOOKMARK', 'MODIFIED']);
  });

  it.each([{}, as('Table'), as('PartialObjectMetadata')])(
    '5.7.4 from a number that is none a watch %j ends with a Status',
    async (headers) => {
      const watch = await stream(`${ours}?watch=1&resourceVersion=99999999`, headers);
      expect(watch.status).toBe(200);
      expect(await watch.rest()).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
    },
  );
});

/** An object of the kind in that group; anything else as it is. */
function typed(body: object, group: string): object {
  return 'metadata' in body ? { apiVersion: `${group}/v1alpha1`, kind: 'Backup', ...body } : body;
}

interface Row {
  readonly cells: readonly unknown[];
  readonly object: { readonly kind: string } | null;
}

/** What the two answers have in common where they are right. */
function seen(text: string): object {
  const {
    kind,
    apiVersion,
    message,
    reason,
    details,
    metadata = {},
    items,
    rows,
    columnDefinitions,
  } = JSON.parse(text) as Record<string, unknown> & { metadata?: Record<string, unknown> };
  const { uid: _, ...known } = (details ?? {}) as Record<string, unknown>;
  return {
    kind,
    apiVersion,
    message: (message as string | undefined)?.replace(/current: \d+/, 'current: N'),
    reason,
    details: known,
    name: metadata['name'],
    labels: Object.keys(metadata['labels'] ?? {}).filter((key) => key === 'n'),
    given: ['uid', 'generation', 'creationTimestamp', 'resourceVersion', 'continue', 'remainingItemCount', 'deletionTimestamp'].filter(
      (field) => metadata[field] !== undefined && metadata[field] !== '',
    ),
    items: String(kind).endsWith('List')
      ? ((items ?? []) as KubeObject[]).map(({ kind, apiVersion, metadata: { name } }) => [kind, apiVersion, name])
      : undefined,
    rows: (rows as Row[] | undefined)?.map(({ cells, object }) => [cells[0], object?.kind]),
    firstColumn: (columnDefinitions as { name: string; format: string }[] | undefined)
      ?.slice(0, 1)
      .map(({ name, format }) => [name, format]),
  };
}
