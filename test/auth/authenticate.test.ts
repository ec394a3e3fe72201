import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../src/auth/authenticate.ts';
import type { Headers } from '../../src/auth/headers.ts';
import { headersOf } from '../../src/auth/headers.ts';
import { createTokenAuthenticator } from '../../src/auth/token.ts';
import type { Trust } from '../../src/auth/trust.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { authority, issue } from './pki.ts';
import type { Pair } from './pki.ts';

const clientCA = authority('client-ca');
const proxyCA = authority('proxy-ca');
const proxy = issue(proxyCA, { cn: 'front-proxy-client' });
const signal = new AbortController().signal;

const requestHeader = {
  cas: [new X509Certificate(proxyCA.cert)],
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['X-Remote-User', 'X-Other-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeadersPrefix: ['X-Remote-Extra-'],
};
const trust: Trust = { clientCAs: [new X509Certificate(clientCA.cert)], requestHeader };

const tokens = createTokenAuthenticator(
  {
    reviewToken: (token) => {
      if (token === 'broken') return Promise.reject(new Error('no answer'));
      return Promise.resolve(token === 'good' ? { name: 'robot', groups: ['bots'], extra: {} } : undefined);
    },
  },
  systemClock,
);

const who = (headers: Headers, certificates: readonly Pair[] = [], current = trust) =>
  createAuthenticator({ trust: { current: () => current }, tokens, clock: systemClock, log: createLog('silent') })(
    { headers, certificates: certificates.map(({ cert }) => new X509Certificate(cert)) },
    signal,
  );

const refused = expect.objectContaining({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
const admin: Headers = [
  ['X-Remote-User', 'admin'],
  ['X-Remote-Group', 'system:masters'],
];

describe('the front proxy', () => {
  it('names user, uid, groups and extra', async () => {
    const headers: Headers = [
      ['x-remote-group', 'a'],
      ['X-Remote-Group', 'b, c'],
      ['X-Remote-Group', ''],
      ['x-remote-user', ''],
      ['X-Other-User', 'alice'],
      ['X-Remote-Uid', 'u-1'],
      ['X-Remote-Extra-Authentication.kubernetes.io%2fpod-Name', 'p'],
      ['X-Remote-Extra-authentication.kubernetes.io%2Fpod-name', 'q'],
      ['X-Remote-Extra-Bad%zz', 'r'],
    ];
    expect(await who([['X-Remote-User', ''], ...headers], [proxy])).toEqual({
      user: {
        name: 'alice',
        uid: 'u-1',
        groups: ['a', 'b, c', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/pod-name': ['p', 'q'], 'bad%zz': ['r'] },
      },
      via: 'proxy',
    });
  });

  it('is believed also while nobody can be asked for a token', async () => {
    expect((await who([...admin, ['Authorization', 'Bearer broken']], [proxy])).user.name).toBe('admin');
  });

  it('without groups: still one of all who are known', async () => {
    expect((await who([['X-Remote-User', 'system:aggregator']], [proxy])).user.groups).toEqual(['system:authenticated']);
  });

  it('may say that it does not know', async () => {
    const headers: Headers = [
      ['X-Remote-User', 'system:anonymous'],
      ['X-Remote-Group', 'system:unauthenticated'],
    ];
    expect((await who(headers, [proxy])).user.groups).toEqual(['system:unauthenticated']);
  });

  it('that names nobody is refused, whatever else it brings', async () => {
    await expect(who([['X-Remote-Group', 'system:masters']], [proxy])).rejects.toEqual(refused);
    await expect(who([['Authorization', 'Bearer good']], [proxy])).rejects.toEqual(refused);
  });

  it('may have any name where none is prescribed', async () => {
    const anyName = { ...trust, requestHeader: { ...requestHeader, allowedNames: [] } };
    const aggregator = issue(proxyCA, { cn: 'aggregator' });
    expect((await who(admin, [aggregator], anyName)).user.name).toBe('admin');
    await expect(who(admin, [aggregator])).rejects.toEqual(refused);
  });

  it('does not exist where no CA is named for it', async () => {
    await expect(who(admin, [proxy], { clientCAs: trust.clientCAs })).rejects.toEqual(refused);
  });
});

describe('a client certificate', () => {
  it('names a user, groups, and itself', async () => {
    const certificate = issue(clientCA, { cn: 'jürgen + CN=admin, O=x\\\nO=system:masters', o: ['dev', 'ops, qa', 'ünï'] });
    const { user, via } = await who([], [certificate]);
    expect(via).toBe('certificate');
    expect(user.name).toBe('jürgen + CN=admin, O=x\\\nO=system:masters');
    expect(user.groups).toEqual(['dev', 'ops, qa', 'ünï', 'system:authenticated']);
    expect(user.extra['authentication.kubernetes.io/credential-id']?.[0]).toMatch(/^X509SHA256=[0-9a-f]{64}$/);
  });

  it('with the name of the proxy is that user and no proxy', async () => {
    const { user, via } = await who(admin, [issue(clientCA, { cn: 'front-proxy-client' })]);
    expect({ via, name: user.name, groups: user.groups }).toEqual({
      via: 'certificate',
      name: 'front-proxy-client',
      groups: ['system:authenticated'],
    });
  });

  it('without a common name names nobody', async () => {
    expect((await who([], [issue(clientCA, { o: ['system:masters'] })])).user.name).toBe('system:anonymous');
  });

  it('that nobody vouches for is an error, not anonymous', async () => {
    await expect(who([], [issue(authority('x'), { cn: 'x' })])).rejects.toEqual(refused);
    await expect(who([], [issue(clientCA, { cn: 'x', to: 0 })])).rejects.toEqual(refused);
  });

  it('is no hindrance to a good token', async () => {
    expect((await who([['Authorization', 'Bearer good']], [issue(authority('x'), { cn: 'x' })])).user.name).toBe('robot');
  });
});

describe('a bearer token', () => {
  it.each(['Bearer good', 'bearer good', 'BEARER good'])('%s', async (value) => {
    expect(await who([['authorization', value]])).toEqual({
      user: { name: 'robot', groups: ['bots', 'system:authenticated'], extra: {} },
      via: 'token',
    });
  });

  it.each(['Bearer bad', 'Bearer broken'])('%s is refused and never anonymous', async (value) => {
    await expect(who([['Authorization', value]])).rejects.toEqual(refused);
  });

  it.each(['Basic good', 'Bearer', 'Bearer '])('%s is none', async (value) => {
    expect((await who([['Authorization', value]])).via).toBe('nothing');
  });

  it('of a WebSocket comes among its protocols', async () => {
    const encoded = `base64url.bearer.authorization.k8s.io.${Buffer.from('good').toString('base64url')}`;
    const protocols = (list: string): Headers => [
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Protocol', list],
    ];
    expect((await who(protocols(`${encoded}, v5.channel.k8s.io`))).user.name).toBe('robot');
    expect((await who(protocols(encoded))).via).toBe('nothing');
  });
});

it('without any evidence it is anonymous, whatever the headers say', async () => {
  expect(await who(admin)).toEqual({ user: { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} }, via: 'nothing' });
});

it('reads header bytes as UTF-8', () => {
  expect(headersOf(['X', Buffer.from('jürgen €').toString('latin1'), 'Y', 'plain'])).toEqual([
    ['X', 'jürgen €'],
    ['Y', 'plain'],
  ]);
});
