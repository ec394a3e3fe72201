import { describe, expect, it } from 'vitest';
import { never, scriptedCluster, status } from './api-server.ts';

describe('reviewToken', () => {
  it('tells who a token belongs to', async () => {
    const user = { username: 'alice', uid: '1', groups: ['dev'], extra: { k: ['v'] } };
    await using server = await scriptedCluster(() => ({ status: 201, body: { status: { authenticated: true, user } } }));
    expect(await server.cluster.reviewToken('t', never)).toEqual({ name: 'alice', uid: '1', groups: ['dev'], extra: { k: ['v'] } });
    expect(JSON.parse(server.received[0]?.body ?? '')).toMatchObject({ kind: 'TokenReview', spec: { token: 't' } });
  });

  it.each([{}, { authenticated: false }, { authenticated: 'true', user: { username: 'x' } }, { authenticated: true, user: {} }])(
    'knows nobody by the status %j',
    async (reviewed) => {
      await using server = await scriptedCluster(() => ({ status: 201, body: { status: reviewed } }));
      expect(await server.cluster.reviewToken('t', never)).toBeUndefined();
    },
  );
});

describe('reviewAccess', () => {
  const review = { user: { name: 'alice', groups: ['dev'], extra: {} }, nonResourceAttributes: { verb: 'get', path: '/metrics' } };

  it.each([
    [
      { allowed: true, reason: 'because' },
      { allowed: true, reason: 'because' },
    ],
    [{ allowed: false }, { allowed: false, reason: '' }],
    [
      { allowed: 'yes', evaluationError: 'odd' },
      { allowed: false, reason: 'odd' },
    ],
    [undefined, { allowed: false, reason: '' }],
  ])('reads %j as %j', async (reviewed, verdict) => {
    await using server = await scriptedCluster(() => ({ status: 201, body: { status: reviewed } }));
    expect(await server.cluster.reviewAccess(review, never)).toEqual(verdict);
    expect(JSON.parse(server.received[0]?.body ?? '')).toMatchObject({
      kind: 'SubjectAccessReview',
      spec: { user: 'alice', groups: ['dev'], nonResourceAttributes: { verb: 'get', path: '/metrics' } },
    });
  });

  it('rejects when nobody can tell', async () => {
    await using server = await scriptedCluster(() => status(500, 'InternalError', 'oops'));
    await expect(server.cluster.reviewAccess(review, never)).rejects.toMatchObject({ code: 500 });
  });
});
