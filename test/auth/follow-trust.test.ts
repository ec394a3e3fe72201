import { describe, expect, it } from 'vitest';
import { followTrust } from '../../src/auth/follow-trust.ts';
import { createLog } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { authority } from './pki.ts';

const [a, b] = [authority('a').cert, authority('b').cert];
const full = { 'requestheader-client-ca-file': a, 'requestheader-username-headers': '["X-Remote-User"]' };

function published(first: Record<string, string>) {
  let data = first;
  let gone = false;
  let listener = () => {};
  const metrics = createMetrics();
  const source = followTrust(
    {
      data: () => data,
      isGone: () => gone,
      onChange: (given) => {
        listener = given;
        return () => {};
      },
    },
    { log: createLog('silent'), metrics },
  );
  const publish = (next: Record<string, string>) => {
    data = next;
    listener();
    return source.current().requestHeader?.cas.map(({ subject }) => subject);
  };
  const setGone = (now: boolean) => void (gone = now);
  const stale = async () => /^kylon_trust_stale (\d)$/m.exec((await metrics.text()).body)?.[1];
  return { publish, setGone, stale };
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

  it('has a figure for what it has to go on with', async () => {
    const { publish, setGone, stale } = published(full);
    expect(await stale()).toBe('0');
    publish({ ...full, 'client-ca-file': 'nonsense' });
    expect(await stale()).toBe('1');
    publish(full);
    expect(await stale()).toBe('0');
    setGone(true);
    expect(await stale()).toBe('1');
  });
});
