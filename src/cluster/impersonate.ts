/**
 * The headers by which the API server treats a request as another user's.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
import type { OutgoingHttpHeaders } from 'node:http';
import { ClusterError } from './cluster.ts';
import type { ClusterUser } from './cluster.ts';

/** The server puts every user but the anonymous one into it, so no right to impersonate it is needed. */
const addedByServer = 'system:authenticated';

/** Throws ClusterError for a user that headers cannot carry: sent all the same, the request would be somebody else's. */
export function impersonationHeaders(user: ClusterUser): OutgoingHttpHeaders {
  const groups = user.groups.filter((group) => group !== addedByServer);
  const headers: OutgoingHttpHeaders = { 'Impersonate-User': headerValue('name', user.name) };
  if (user.uid) headers['Impersonate-Uid'] = headerValue('uid', user.uid);
  if (groups.length > 0) headers['Impersonate-Group'] = groups.map((group) => headerValue('group', group));
  for (const [key, values] of Object.entries(user.extra))
    headers[`Impersonate-Extra-${escapeKey(key)}`] = values.map((value) => headerValue(`extra ${key}`, value, true));
  return headers;
}

/** UTF-8, one character a byte, which is how Node writes headers. A server trims spaces at the ends and so must not be sent any. */
function headerValue(what: string, value: string, mayBeEmpty = false): string {
  if ((value === '' && !mayBeEmpty) || value !== value.trim() || /\p{Cc}/u.test(value))
    throw new ClusterError(0, '', `a user whose ${what} is ${JSON.stringify(value)} cannot be impersonated`);
  return Buffer.from(value).toString('latin1');
}

/** Percent-encodes what a header name cannot hold, and capitals, because header names have none when they arrive. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');
}

const isPlain = (byte: number) => /[a-z0-9!#$&'*+.^_`|~-]/.test(String.fromCharCode(byte));
