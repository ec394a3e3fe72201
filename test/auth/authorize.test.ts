import { describe, expect, it } from 'vitest';
import { createAuthorizer } from '../../src/auth/authorize.ts';
import { attributesOf } from '../../src/auth/attributes.ts';
import { denied } from '../../src/machinery/denial.ts';
import { mastersOnly } from '../../src/auth/masters-only.ts';
import { createTokenAuthenticator } from '../../src/auth/token.ts';
import type { AccessReview } from '../../src/cluster/reviews.ts';
import { parseTarget } from '../../src/machinery/path.ts';
import type { User } from '../../src/machinery/user.ts';
import { ManualClock } from '../manual-clock.ts';

const alice: User = { name: 'alice', groups: ['dev', 'system:authenticated'], extra: { k: ['v'] } };
const master: User = { name: 'root', groups: ['system:masters'], extra: {} };
const nobody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} };
const signal = new AbortController().signal;
const things = (verb: string, name = 'x') => ({ verb, group: 'g', version: 'v1', resource: 'things', namespace: 'n', name });

function cluster(answer: (review: AccessReview) => unknown) {
  const asked: AccessReview[] = [];
  const clock = new ManualClock();
  const reviewAccess = async (review: AccessReview) => {
    asked.push(review);
    await Promise.resolve();
    return answer(review) as { allowed: boolean; reason: string };
  };
  return { asked, clock, authorizer: createAuthorizer({ reviewAccess }, clock) };
}

describe('createAuthorizer', () => {
  it('asks the cluster with the whole user and what is asked for', async () => {
    const { authorizer, asked } = cluster(() => ({ allowed: true, reason: 'role' }));
    expect(await authorizer.authorize(alice, things('get'), signal)).toEqual({ allowed: true, reason: 'role' });
    await authorizer.authorize(alice, { verb: 'get', path: '/metrics' }, signal);
    expect(asked).toEqual([
      { user: alice, resourceAttributes: things('get') },
      { user: alice, nonResourceAttributes: { verb: 'get', path: '/metrics' } },
    ]);
  });

  it('needs no question for system:masters and for health, exactly', async () => {
    const { authorizer, asked } = cluster(() => ({ allowed: false, reason: '' }));
    expect((await authorizer.authorize(master, things('delete'), signal)).allowed).toBe(true);
    for (const path of ['/healthz', '/livez', '/readyz']) {
      expect((await authorizer.authorize(nobody, { verb: 'get', path }, signal)).allowed).toBe(true);
    }
    expect(asked).toHaveLength(0);
    for (const path of ['/livez/ping', '/livez/', '/LIVEZ']) {
      expect((await authorizer.authorize(nobody, { verb: 'get', path }, signal)).allowed).toBe(false);
    }
  });

  it.each([{}, { allowed: 'true', reason: '' }, { allowed: 1, reason: '' }, { conditions: [{}], reason: '' }])(
    'takes %o for no',
    async (answer) => {
      const { authorizer } = cluster(() => answer);
      expect((await authorizer.authorize(alice, things('get'), signal)).allowed).toBe(false);
    },
  );

  it.each([true, false])('keeps the answer %s for 10 s, and one question serves many', async (allowed) => {
    const { authorizer, asked, clock } = cluster(() => ({ allowed, reason: '' }));
    await Promise.all([1, 2, 3].map(() => authorizer.authorize(alice, things('get'), signal)));
    await clock.pass(9999);
    await authorizer.authorize(alice, things('get'), signal);
    expect(asked).toHaveLength(1);
    await clock.pass(1);
    await authorizer.authorize(alice, things('get'), signal);
    expect(asked).toHaveLength(2);
  });

  it('tells users, their groups, verbs and names apart', async () => {
    const { authorizer, asked } = cluster(() => ({ allowed: true, reason: '' }));
    await authorizer.authorize(alice, things('get'), signal);
    await authorizer.authorize({ ...alice, groups: [] }, things('get'), signal);
    await authorizer.authorize(alice, things('list'), signal);
    await authorizer.authorize(alice, things('get', 'y'), signal);
    expect(asked).toHaveLength(4);
  });

  it('says 500 when the cluster cannot be asked, and asks again', async () => {
    let fails = true;
    const { authorizer } = cluster(() => {
      if (fails) throw new Error('connection refused');
      return { allowed: true, reason: '' };
    });
    await expect(authorizer.authorize(alice, things('get'), signal)).rejects.toMatchObject({ code: 500, reason: 'InternalError' });
    fails = false;
    expect((await authorizer.authorize(alice, things('get'), signal)).allowed).toBe(true);
  });

  it('says 500 when the cluster does not answer in 10 s', async () => {
    const clock = new ManualClock();
    const authorizer = createAuthorizer({ reviewAccess: () => new Promise(() => {}) }, clock);
    const refusal = expect(authorizer.authorize(alice, things('get'), signal)).rejects.toMatchObject({ code: 500 });
    await clock.pass(10_000);
    await refusal;
  });

  it('does not keep answers to very long questions', async () => {
    const { authorizer, asked } = cluster(() => ({ allowed: true, reason: '' }));
    await authorizer.authorize(alice, things('get', 'x'.repeat(10_001)), signal);
    await authorizer.authorize(alice, things('get', 'x'.repeat(10_001)), signal);
    expect(asked).toHaveLength(2);
  });

  it('lets an asker go without ending the question for others', async () => {
    let answer: (verdict: { allowed: boolean; reason: string }) => void = () => {};
    const authorizer = createAuthorizer({ reviewAccess: () => new Promise((resolve) => (answer = resolve)) }, new ManualClock());
    const leaving = new AbortController();
    const left = authorizer.authorize(alice, things('get'), leaving.signal);
    const stayed = authorizer.authorize(alice, things('get'), signal);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toMatchObject({ code: 500 });
    answer({ allowed: true, reason: '' });
    expect((await stayed).allowed).toBe(true);
  });
});

describe('attributesOf', () => {
  const selectorsOf = (method: string, query: string) =>
    attributesOf(parseTarget(method, `/apis/g/v1/namespaces/n/things?${new URLSearchParams(query).toString()}`));

  it('tells what a list is narrowed to', () => {
    const query = 'fieldSelector=status.phase!=Failed,metadata.name=x&labelSelector=a in (b,c),d!=e,f,!h,size>3';
    const selectors = {
      fieldSelector: {
        requirements: [
          { key: 'status.phase', operator: 'NotIn', values: ['Failed'] },
          { key: 'metadata.name', operator: 'In', values: ['x'] },
        ],
      },
      labelSelector: {
        requirements: [
          { key: 'a', operator: 'In', values: ['b', 'c'] },
          { key: 'd', operator: 'NotIn', values: ['e'] },
          { key: 'f', operator: 'Exists' },
          { key: 'h', operator: 'DoesNotExist' },
        ],
      },
    };
    expect(selectorsOf('GET', query)).toMatchObject({ verb: 'list', name: 'x', ...selectors });
    expect(selectorsOf('GET', `watch=1&${query}`)).toMatchObject({ verb: 'watch', name: 'x', ...selectors });
    expect(selectorsOf('DELETE', query)).toMatchObject({ verb: 'deletecollection', ...selectors });
  });

  it.each([
    ['GET', 'fieldSelector=&labelSelector='],
    ['GET', 'fieldSelector=x&labelSelector=a in (b'],
    ['GET', 'labelSelector=size>3'],
    ['POST', 'fieldSelector=metadata.name=x&labelSelector=a=b'],
  ])('%s ?%s is narrowed to nothing', (method, query) => {
    const attributes = selectorsOf(method, query);
    expect(attributes).not.toHaveProperty('fieldSelector');
    expect(attributes).not.toHaveProperty('labelSelector');
  });
});

describe('createTokenAuthenticator', () => {
  it('asks once in 10 s for each token, known or not, and again after an error', async () => {
    const asked: string[] = [];
    const clock = new ManualClock();
    const tokens = createTokenAuthenticator(
      {
        reviewToken: (token) => {
          asked.push(token);
          return token === 'e' ? Promise.reject(new Error('x')) : Promise.resolve(token === 'a' ? alice : undefined);
        },
      },
      clock,
    );
    const [first, second] = await Promise.all([tokens.userOf('a', signal), tokens.userOf('a', signal)]);
    expect([first, second]).toEqual([alice, alice]);
    expect([await tokens.userOf('b', signal), await tokens.userOf('b', signal)]).toEqual([undefined, undefined]);
    expect(asked).toEqual(['a', 'b']);
    await expect(tokens.userOf('e', signal)).rejects.toThrow('x');
    await expect(tokens.userOf('e', signal)).rejects.toThrow('x');
    await clock.pass(10_000);
    await tokens.userOf('a', signal);
    expect(asked).toEqual(['a', 'b', 'e', 'e', 'a']);
  });
});

describe('mastersOnly', () => {
  const verdict = (user: User, verb: string, path: string) => mastersOnly.authorize(user, { verb, path }, signal);

  it('lets masters do all, others look around, and strangers see health', async () => {
    expect((await mastersOnly.authorize(master, things('delete'), signal)).allowed).toBe(true);
    expect(await mastersOnly.authorize(alice, things('get'), signal)).toEqual({
      allowed: false,
      reason: 'this server has no roles, only members of system:masters may do this',
    });
    for (const path of ['/api', '/apis', '/apis/g/v1', '/openapi/v2', '/openapi/v3/apis/g/v1', '/version']) {
      expect((await verdict(alice, 'get', path)).allowed).toBe(true);
      expect((await verdict(nobody, 'get', path)).allowed).toBe(false);
      expect((await verdict(alice, 'post', path)).allowed).toBe(false);
    }
    expect((await verdict(alice, 'get', '/metrics')).allowed).toBe(false);
    expect((await verdict(alice, 'get', '/apisx')).allowed).toBe(false);
    expect((await verdict(nobody, 'get', '/readyz')).allowed).toBe(true);
  });
});

describe('denied', () => {
  const no = { allowed: false, reason: '' };
  const message = (method: string, url: string, reason = '', name = 'alice') =>
    denied({ ...alice, name }, attributesOf(parseTarget(method, url)), { allowed: false, reason }).message;

  it('is a Status in the words of kube-apiserver', () => {
    const attributes = attributesOf(parseTarget('GET', '/apis/g/v1/namespaces/n/things/x'));
    expect(denied(alice, attributes, no).toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'things.g "x" is forbidden: User "alice" cannot get resource "things" in API group "g" in the namespace "n"',
      reason: 'Forbidden',
      details: { name: 'x', group: 'g', kind: 'things' },
      code: 403,
    });
  });

  it.each([
    ['GET', '/api/v1/pods', 'pods is forbidden: User "alice" cannot list resource "pods" in API group "" at the cluster scope'],
    [
      'POST',
      '/apis/g/v1/namespaces/n/things/x/restore',
      'things.g "x" is forbidden: User "alice" cannot create resource "things/restore" in API group "g" in the namespace "n"',
    ],
    ['GET', '/metrics', 'forbidden: User "alice" cannot get path "/metrics"'],
    ['GET', '/a<b>&c', 'forbidden: User "alice" cannot get path "/a&lt;b&gt;&amp;c"'],
  ])('%s %s', (method, url, expected) => {
    expect(message(method, url)).toBe(expected);
    expect(message(method, url, 'because')).toBe(`${expected}: because`);
  });

  it('escapes what the sender chose', () => {
    expect(message('GET', '/x', '', '<b>"')).toBe('forbidden: User "&lt;b&gt;\\"" cannot get path "/x"');
  });
});
