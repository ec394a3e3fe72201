import { describe, expect, it } from 'vitest';
import { followTrust } from '../../src/auth/follow-trust.ts';
import { createLog } from '../../src/base/log.ts';
import { authority } from './pki.ts';

const [a, b] = [authority('a').cert, authority('b').cert];
const full = { 'requestheader-client-ca-file': a, 'requestheader-username-headers': '["X-Remote-User"]' };

function published(first: Record<string, string>) {
  let data = first;
  let listener = () => {};
  const source = followTrust(
    {
      data: () => data,
      onChange: (given) => {
        listener = given;
        return () => {};
      },
    },
    createLog('silent'),
  );
  const publish = (next: Record<string, string>) => {
    data = next;
    listener();
    return source.current().requestHeader?.cas.map(({ subject }) => subject);
  };
  return { publish };
}

describe('followTrust', () => {
  it.each([
    ['without its authority', { 'requestheader-username-headers': '["X-Remote-User"]' }],
    ['without the header that names the user', { 'requestheader-client-ca-file': a }],
    ['with no header that names the user', { ...full, 'requestheader-username-headers': '[]' }],
  ])('does not begin where the front proxy stands %s', (_, data: Record<string, string>) => {
    expect(() => published(data)).toThrow('kube-apiserver needs --requestheader-client-ca-file');
  });

  it('takes up each change, and stays with the last one that can be read', () => {
    const { publish } = published(full);
    expect(publish({ ...full, 'requestheader-client-ca-file': a + b })).toEqual(['CN=a', 'CN=b']);
    expect(publish({ ...full, 'requestheader-client-ca-file': 'nonsense' })).toEqual(['CN=a', 'CN=b']);
    expect(publish({ ...full, 'requestheader-client-ca-file': b })).toEqual(['CN=b']);
  });
});
