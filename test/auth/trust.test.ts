import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../src/auth/trust.ts';
import { authority } from './pki.ts';

const a = authority('a').cert;
const b = authority('b').cert;
const full = {
  'client-ca-file': a,
  'requestheader-client-ca-file': `# comment\n${a}\n${b}`,
  'requestheader-allowed-names': '["front-proxy-client"]',
  'requestheader-username-headers': '["X-Remote-User"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
};

describe('parseTrust', () => {
  it('reads every certificate of a bundle and the names of headers', () => {
    const { clientCAs, requestHeader } = parseTrust(full);
    expect(clientCAs.map(({ subject }) => subject)).toEqual(['CN=a']);
    expect(requestHeader?.cas.map(({ subject }) => subject)).toEqual(['CN=a', 'CN=b']);
    expect(requestHeader).toMatchObject({ allowedNames: ['front-proxy-client'], usernameHeaders: ['X-Remote-User'], uidHeaders: [] });
  });

  it('trusts nobody where nothing is said', () => {
    expect(parseTrust({})).toEqual({ clientCAs: [] });
    expect(parseTrust({ 'requestheader-username-headers': '["X-Remote-User"]' }).requestHeader).toBeUndefined();
  });

  it.each([
    ['client-ca-file', 'hello'],
    ['client-ca-file', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['requestheader-allowed-names', 'front-proxy-client'],
    ['requestheader-allowed-names', '[1]'],
    ['requestheader-group-headers', '{}'],
  ])('names the key at fault: %s = %s', (key, value) => {
    expect(() => parseTrust({ ...full, [key]: value })).toThrow(new RegExp(`^${key}: `));
  });
});
