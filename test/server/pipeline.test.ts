import { describe, expect, it } from 'vitest';
import { jsonAnswer } from '../../src/machinery/call.ts';
import { createAuthorizer } from '../../src/auth/authorize.ts';
import { systemClock } from '../../src/base/clock.ts';
import { describe as describeApi } from '../../src/machinery/description/documents.ts';
import { notFound, unavailable } from '../../src/machinery/errors.ts';
import { api } from '../machinery/sample.ts';
import { ellipticPair, hasOpenssl, authority, issue } from '../auth/pki.ts';
import { alice, ask, clientCA, master, proxy, proxyCA, start, trustIn, whoami } from './running.ts';

const things = '/apis/g/v1/namespaces/n/things';
const admin = { 'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters' };
const json = (text: string) => JSON.parse(text) as Record<string, never>;

describe('who it is', () => {
  it('is whom the front proxy names', async () => {
    const server = await start(whoami);
    const { status, body } = await ask(server, things, { as: proxy, headers: admin });
    expect(status).toBe(200);
    expect(json(body)['user']).toEqual({ name: 'admin', groups: ['system:masters', 'system:authenticated'], extra: {} });
  });

  it('tells whom it refused, by the certificate that came', async () => {
    const refusals: unknown[] = [];
    const server = await start(whoami, { onRefused: (refusal) => refusals.push(refusal) });
    await ask(server, things, { as: proxy, headers: admin });
    await ask(server, things, { as: issue(authority('mesh-ca'), { cn: 'mesh', o: ['x'] }) });
    await ask(server, `${things}?a=b`, {});
    expect(refusals).toEqual([
      { path: things, code: 401, certificate: { commonName: 'mesh', issuer: 'mesh-ca' } },
      { path: things, code: 403, certificate: undefined },
    ]);
  });

  it('is nobody without a certificate, whatever the headers say', async () => {
    const server = await start(whoami);
    const { status, body } = await ask(server, things, { headers: admin });
    expect(status).toBe(403);
    expect(json(body)['message']).toMatch(/^things\.g is forbidden: User "system:anonymous" cannot list resource "things"/);
  });

  it('is the user of the certificate where the ordinary CA issued one in the name of the proxy (C16)', async () => {
    const server = await start(whoami);
    const { status, body } = await ask(server, things, { as: issue(clientCA, { cn: 'front-proxy-client' }), headers: admin });
    expect(status).toBe(403);
    expect(json(body)['message']).toContain('User "front-proxy-client" cannot');
  });

  it.each([
    ['of the right CA with a wrong name', () => issue(proxyCA, { cn: 'somebody' })],
    ['expired', () => issue(proxyCA, { cn: 'front-proxy-client', from: -2, to: -1 })],
    ['for servers only', () => issue(proxyCA, { cn: 'front-proxy-client', usage: 'server' as const })],
    ['signed by itself', () => issue(undefined, { cn: 'front-proxy-client' })],
    ['of a CA that only has the same name', () => issue(authority('proxy-ca'), { cn: 'front-proxy-client' })],
    ['signed by the proxy itself', () => issue(proxy, { cn: 'front-proxy-client' })],
  ])('is nobody with a certificate %s', async (_, certificate) => {
    const server = await start(whoami);
    expect((await ask(server, things, { as: certificate(), headers: admin })).status).toBe(401);
  });

  it('is the proxy by way of an intermediate, if it is sent along', async () => {
    const server = await start(whoami);
    const intermediate = authority('intermediate', proxyCA);
    const leaf = issue(intermediate, { cn: 'front-proxy-client' });
    expect((await ask(server, things, { as: leaf, headers: admin })).status).toBe(401);
    expect((await ask(server, things, { as: { ...leaf, cert: leaf.cert + intermediate.cert }, headers: admin })).status).toBe(200);
  });

  it('is the proxy of either CA during a rotation, and of the new one as soon as trust changes', async () => {
    const next = authority('next');
    let trust = trustIn([proxyCA, next]);
    const server = await start(whoami, { trust: { current: () => trust } });
    const rotated = issue(next, { cn: 'front-proxy-client' });
    const statuses = async () => [
      (await ask(server, things, { as: proxy, headers: admin })).status,
      (await ask(server, things, { as: rotated, headers: admin })).status,
    ];
    expect(await statuses()).toEqual([200, 200]);
    trust = trustIn([next]);
    expect(await statuses()).toEqual([401, 200]);
  });

  it.skipIf(!hasOpenssl)('may have elliptic keys', async () => {
    const { ca, client } = ellipticPair('front-proxy-client');
    const trust = trustIn([{ cert: ca, key: '' }]);
    const server = await start(whoami, { trust: { current: () => trust } });
    expect((await ask(server, things, { as: client, headers: admin })).status).toBe(200);
  });

  it('comes through with 3000 groups, commas and UTF-8 (C1 C2 C3 C4)', async () => {
    const server = await start(whoami);
    const groups = ['b, c', 'grün', ...Array.from({ length: 3000 }, (_, i) => `group-${i}-${'x'.repeat(20)}`), 'system:masters'];
    const latin1 = (text: string) => Buffer.from(text).toString('latin1');
    const headers = {
      'X-Remote-Group': groups.map(latin1),
      'X-Remote-User': latin1('jürgen €'),
      'X-Remote-Extra-Acme.com%2fProject': ['p', 'q'],
    };
    const { status, body } = await ask(server, things, { as: proxy, headers });
    expect(status).toBe(200);
    expect(json(body)['user']).toEqual({
      name: 'jürgen €',
      groups: [...groups, 'system:authenticated'],
      extra: { 'acme.com/project': ['p', 'q'] },
    });
  });

  it('finds discovery as a master while the cluster cannot be asked anything', async () => {
    const reviews = { reviewAccess: () => Promise.reject(new Error('connection refused')) };
    const server = await start(
      (call) => {
        const page = describeApi(api, call);
        return page ? Promise.resolve(page) : Promise.reject(unavailable('the store does not answer'));
      },
      { authorizer: createAuthorizer(reviews, systemClock) },
    );
    const aggregator = { 'X-Remote-User': 'system:kube-aggregator', 'X-Remote-Group': 'system:masters' };
    const statusOf = async (path: string, headers: Record<string, string>) => (await ask(server, path, { as: proxy, headers })).status;
    expect(await statusOf('/apis/example.io/v1', aggregator)).toBe(200);
    expect(await statusOf('/apis', aggregator)).toBe(200);
    expect(await statusOf('/apis/example.io/v1/things', aggregator)).toBe(503);
    expect(await statusOf('/apis/example.io/v1', { 'X-Remote-User': 'alice' })).toBe(500);
  });

  it('is refused where the proxy names nobody', async () => {
    const server = await start(whoami);
    expect((await ask(server, things, { as: proxy, headers: { 'X-Remote-Group': 'system:masters' } })).status).toBe(401);
  });

  it('is whose token it is; a wrong one is 401, and not anonymous', async () => {
    const server = await start(whoami);
    expect((await ask(server, things, { headers: { Authorization: 'Bearer good' } })).status).toBe(200);
    const { status, body } = await ask(server, '/healthz', { headers: { Authorization: 'Bearer bad' } });
    expect(status).toBe(401);
    expect(json(body)).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
  });

  it('is whom a master impersonates, and nobody else may', async () => {
    const server = await start(whoami);
    const headers = { 'Impersonate-User': 'bob', 'Impersonate-Group': ['system:masters', 'b, c'] };
    const { body } = await ask(server, things, { as: master, headers });
    expect(json(body)['user']).toMatchObject({ name: 'bob', groups: ['system:masters', 'b, c', 'system:authenticated'] });
    const refused = await ask(server, things, { as: alice, headers });
    expect([refused.status, json(refused.body)['message']]).toEqual([
      403,
      expect.stringContaining('User "alice" cannot impersonate resource "users"'),
    ]);
    expect((await ask(server, things, { as: master, headers: { 'Impersonate-User': 'bob' } })).status).toBe(403);
  });

  it('tells handlers nothing that is secret', async () => {
    const server = await start(whoami);
    const { body } = await ask(server, things, { headers: { Authorization: 'Bearer good', 'X-Remote-User': 'hidden-name' } });
    expect(body).not.toMatch(/Bearer|good|hidden-name/);
  });
});

describe('what is asked', () => {
  it('is no resource by a path that only looks like it (C7 C24)', async () => {
    const server = await start(whoami);
    for (const path of ['/APIS/g/v1/namespaces/n/things', `${things}/`, `${things}/a%2Fb`, `/${things}`]) {
      expect(json((await ask(server, path, { as: master })).body)).not.toHaveProperty('resource');
    }
    expect((await ask(server, '/APIS/g/v1/namespaces/n/things', { as: alice })).status).toBe(403);
    expect((await ask(server, `${things}/..`, { as: alice })).status).toBe(400);
  });

  it.each(['OPTIONS', 'TRACE', 'PROPFIND'])('%s is 405, and a Status (C8 C14)', async (method) => {
    const server = await start(whoami);
    for (const path of [things, '/', '/healthz', '*']) {
      const { status, body } = await ask(server, path, { method, as: master });
      expect([status, json(body)['reason']]).toEqual([405, 'MethodNotAllowed']);
    }
  });

  it('takes the first of repeated parameters, and no structure (C15)', async () => {
    const query: unknown[] = [];
    const server = await start((call) => {
      query.push(call.query.get('a'), call.query.get('b[c]'));
      return whoami(call);
    });
    await ask(server, `${things}?a=1&a=2&b[c]=3`, { as: master });
    expect(query).toEqual(['1', '3']);
  });

  it('brings the body as bytes whatever its type (C11), up to 3 MiB (C10)', async () => {
    const server = await start(whoami);
    const post = (body: string, type: string) =>
      ask(server, things, { method: 'POST', as: master, body, headers: { 'Content-Type': type } });
    expect(json((await post('a: 1', 'application/yaml')).body)).toMatchObject({ body: 4, contentType: 'application/yaml', verb: 'create' });
    expect(json((await post('{', 'application/json')).body)).toMatchObject({ body: 1 });
    expect(json((await post('x'.repeat(3 * 1024 * 1024), 'application/json')).body)).toMatchObject({ body: 3145728 });
    const large = await post('x'.repeat(3_250_000), 'application/json');
    expect([large.status, json(large.body)]).toEqual([
      413,
      expect.objectContaining({ reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' }),
    ]);
  });

  it('does not read the body of who may not send it', async () => {
    const server = await start(whoami);
    for (const [as, status] of [
      [alice, 403],
      [issue(undefined, { cn: 'x' }), 401],
    ] as const) {
      expect((await ask(server, things, { method: 'POST', as, body: 'x'.repeat(3_250_000) })).status).toBe(status);
    }
  });

  it('refuses a large body also when its length is not announced', async () => {
    const server = await start(whoami);
    const headers = { 'Transfer-Encoding': 'chunked' };
    expect((await ask(server, things, { method: 'POST', as: master, headers, body: 'x'.repeat(3_250_000) })).status).toBe(413);
  });

  it('may take as long as it says', async () => {
    const server = await start(
      (call) => new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason as Error))),
    );
    const { status, body } = await ask(server, `${things}?timeout=50ms`, { as: master });
    expect([status, json(body)['message']]).toEqual([
      504,
      'Timeout: request did not complete within requested timeout - context deadline exceeded',
    ]);
    expect((await ask(server, `${things}?timeout=soon`, { as: master })).status).toBe(400);
  });

  it('gets 504 even from a handler that does not listen', async () => {
    const server = await start(() => new Promise(() => {}), { drainMs: 10 });
    expect((await ask(server, `${things}?timeout=50ms`, { as: master })).status).toBe(504);
  });

  it('has no deadline as a watch', async () => {
    const server = await start(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return whoami(call);
    });
    expect((await ask(server, `${things}?watch=1&timeout=50ms`, { as: master })).status).toBe(200);
  });
});

describe('what is answered', () => {
  it('carries the usual headers, and none of express (C12 C13)', async () => {
    const server = await start(() => Promise.resolve(jsonAnswer(200, '{}')));
    const { headers } = await ask(server, things, { as: master, headers: { 'Audit-ID': 'abc-1' } });
    expect(headers).toMatchObject({
      'audit-id': 'abc-1',
      'cache-control': 'no-cache, private',
      'content-type': 'application/json',
      'content-length': '2',
      'x-content-type-options': 'nosniff',
    });
    expect(headers).not.toHaveProperty('etag');
    expect(headers).not.toHaveProperty('x-powered-by');
  });

  it('has an Audit-Id of its own where none was sent, or none that could be', async () => {
    const server = await start(whoami);
    expect((await ask(server, things)).headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect((await ask(server, things, { headers: { 'Audit-ID': 'x'.repeat(200) } })).headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('warns in UTF-8, once for each (C4)', async () => {
    const server = await start((call) => {
      for (const text of ['unknown field "spec.ü"', 'unknown field "spec.ü"', 'a\\b\nc', '']) call.warn(text);
      return whoami(call);
    });
    const { rawHeaders } = await ask(server, things, { as: master });
    const warnings = rawHeaders.filter((_, i) => rawHeaders[i - 1] === 'Warning').map((value) => Buffer.from(value, 'latin1').toString());
    expect(warnings).toEqual(['299 - "unknown field \\"spec.ü\\""', '299 - "a\\\\b c"']);
  });

  it('to an error of ours is a Status that tells nothing, and the process lives (C9 C20)', async () => {
    const server = await start((call) => {
      if (call.method === 'GET') throw new Error('secret detail');
      return Promise.reject(new TypeError('secret detail'));
    });
    for (const method of ['GET', 'POST', 'GET']) {
      const { status, body } = await ask(server, things, { as: master, method });
      expect(status).toBe(500);
      expect(json(body)['reason']).toBe('InternalError');
      expect(body).not.toMatch(/secret|\.ts|at /);
    }
  });

  it('to an ApiError is its Status, indented for people', async () => {
    const server = await start(() => Promise.reject(notFound({ group: 'g', resource: 'things' }, 'x')));
    const { status, body } = await ask(server, `${things}/x`, { as: master });
    expect([status, json(body)['message']]).toEqual([404, 'things.g "x" not found']);
    expect((await ask(server, `${things}/x`, { as: master, headers: { 'User-Agent': 'curl/8' } })).body).toContain('\n  "kind"');
  });

  it('to HEAD has no body', async () => {
    const server = await start(() => Promise.resolve(jsonAnswer(200, '{"a":1}')));
    const { status, headers, body } = await ask(server, `${things}/x`, { as: master, method: 'HEAD' });
    expect([status, headers['content-length'], body]).toEqual([200, '7', '']);
  });
});

describe('how much at once', () => {
  const limits = { arriving: 100, reading: 1, writing: 1, lasting: 2, moving: 1 };
  const robot = { 'X-Remote-User': 'robot' };
  const allowAll = { authorize: () => Promise.resolve({ allowed: true, reason: '' }) };

  it('is bounded, apart for reading and writing, but not for masters and watches', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const server = await start(
      async (call) => {
        if (call.query.has('slow')) await released;
        return whoami(call);
      },
      { limits, authorizer: allowAll },
    );
    const slow = ask(server, `${things}?slow`, { as: proxy, headers: robot });
    await expect.poll(async () => (await ask(server, things, { as: proxy, headers: robot })).status).toBe(429);
    const refused = await ask(server, things, { as: proxy, headers: robot });
    expect([refused.headers['retry-after'], json(refused.body)['message']]).toEqual(['1', 'Too many requests, please try again later.']);
    expect((await ask(server, things, { as: proxy, headers: robot, method: 'POST' })).status).toBe(200);
    expect((await ask(server, things, { as: master })).status).toBe(200);
    expect((await ask(server, `${things}?watch=1`, { as: proxy, headers: robot })).status).toBe(200);
    expect((await ask(server, '/readyz')).status).toBe(200);
    release();
    expect((await slow).status).toBe(200);
    expect((await ask(server, things, { as: proxy, headers: robot })).status).toBe(200);
  });

  it('is bounded for watches by themselves, which give their place back', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const server = await start(
      async (call) => {
        if (call.query.has('slow')) await released;
        return whoami(call);
      },
      { limits, authorizer: allowAll },
    );
    const watch = (more = '') => ask(server, `${things}?watch=1${more}`, { as: proxy, headers: robot });
    const open = [watch('&slow'), watch('&slow')];
    await expect.poll(async () => (await watch()).status).toBe(429);
    expect((await ask(server, things, { as: proxy, headers: robot })).status).toBe(200);
    expect((await ask(server, `${things}?watch=1`, { as: master })).status).toBe(200);
    release();
    expect((await Promise.all(open)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await watch()).status).toBe(200);
  });

  it('is bounded before anybody is known', async () => {
    const server = await start(whoami, { limits: { ...limits, arriving: 0 } });
    expect((await ask(server, things, { as: master })).status).toBe(429);
    expect((await ask(server, '/livez')).status).toBe(200);
  });
});
