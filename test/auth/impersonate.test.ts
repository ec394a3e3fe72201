import { describe, expect, it } from 'vitest';
import type { Headers } from '../../src/auth/headers.ts';
import { impersonate } from '../../src/auth/impersonate.ts';
import type { AccessAttributes, Authorizer, PathAttributes, User } from '../../src/machinery/user.ts';

const alice: User = { name: 'alice', groups: ['system:authenticated'], extra: {} };
const signal = new AbortController().signal;

function rights(allowed: (attributes: AccessAttributes | PathAttributes) => boolean) {
  const asked: (AccessAttributes | PathAttributes)[] = [];
  const authorizer: Authorizer = {
    authorize: (_, attributes) => {
      asked.push(attributes);
      return Promise.resolve({ allowed: allowed(attributes), reason: '' });
    },
  };
  return { asked, act: (headers: Headers) => impersonate(alice, headers, authorizer, signal) };
}

describe('impersonate', () => {
  it('does nothing where nobody is named', async () => {
    const { act, asked } = rights(() => false);
    expect(await act([['Accept', '*/*']])).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('wants a right for everything that is claimed', async () => {
    const { act, asked } = rights(() => true);
    const headers: Headers = [
      ['impersonate-user', 'bob'],
      ['Impersonate-Group', 'dev, ops'],
      ['Impersonate-Group', 'qa'],
      ['Impersonate-Uid', '7'],
      ['Impersonate-Extra-Acme.com%2Fproject', 'p'],
    ];
    expect(await act(headers)).toEqual({
      name: 'bob',
      uid: '7',
      groups: ['dev, ops', 'qa', 'system:authenticated'],
      extra: { 'acme.com/project': ['p'] },
    });
    const core = { verb: 'impersonate', group: '', version: 'v1' };
    const authentication = { verb: 'impersonate', group: 'authentication.k8s.io', version: 'v1' };
    expect(asked).toEqual([
      { ...core, resource: 'users', name: 'bob' },
      { ...core, resource: 'groups', name: 'dev, ops' },
      { ...core, resource: 'groups', name: 'qa' },
      { ...authentication, resource: 'userextras', subresource: 'acme.com/project', name: 'p' },
      { ...authentication, resource: 'uids', name: '7' },
    ]);
  });

  it.each(['users', 'groups', 'userextras', 'uids'])('is refused without the right on %s', async (missing) => {
    const { act } = rights((attributes) => !('resource' in attributes && attributes.resource === missing));
    const headers: Headers = [
      ['Impersonate-User', 'bob'],
      ['Impersonate-Group', 'system:masters'],
      ['Impersonate-Uid', '7'],
      ['Impersonate-Extra-k', 'p'],
    ];
    await expect(act(headers)).rejects.toMatchObject({
      code: 403,
      message: expect.stringMatching(/User "alice" cannot impersonate resource/),
    });
  });

  it('knows service accounts', async () => {
    const { act, asked } = rights(() => true);
    const groups = (await act([['Impersonate-User', 'system:serviceaccount:n:robot']]))?.groups;
    expect(groups).toEqual(['system:serviceaccounts', 'system:serviceaccounts:n', 'system:authenticated']);
    expect(asked).toEqual([{ verb: 'impersonate', group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'n', name: 'robot' }]);
  });

  it('leaves anonymous unknown', async () => {
    const { act } = rights(() => true);
    expect((await act([['Impersonate-User', 'system:anonymous']]))?.groups).toEqual(['system:unauthenticated']);
  });

  it.each(['Impersonate-Group', 'Impersonate-Uid', 'Impersonate-Extra-k', 'Impersonate-Anything'])(
    '%s alone is refused',
    async (header) => {
      await expect(rights(() => true).act([[header, 'x']])).rejects.toMatchObject({ code: 400 });
    },
  );
});
