/**
 * Who asks. In the order of kube-apiserver: the front proxy's headers, a client certificate, a bearer token, nobody.
 * The first that knows the sender wins; evidence that nobody vouches for is an error and never makes a request anonymous.
 */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import { unauthorized } from '../machinery/errors.ts';
import type { User } from '../machinery/user.ts';
import { createChainVerifier } from './chain.ts';
import type { ChainVerifier } from './chain.ts';
import { firstOf, valuesByKey, valuesOf } from './headers.ts';
import type { Headers } from './headers.ts';
import { bearerToken } from './token.ts';
import type { TokenAuthenticator } from './token.ts';
import type { RequestHeaderTrust, TrustSource } from './trust.ts';

interface Evidence {
  readonly headers: Headers;
  /** The client's certificate, then what it sent with it; empty if it sent none. */
  readonly certificates: readonly X509Certificate[];
}

export interface Identity {
  readonly user: User;
  /** `proxy`: the sender is the cluster's front proxy, so that what it says about where a request came from is true. */
  readonly via: 'proxy' | 'certificate' | 'token' | 'nothing';
}

/** Rejects with ApiError 401. */
export type Authenticate = (evidence: Evidence, signal: AbortSignal) => Promise<Identity>;

export interface AuthenticatorOptions {
  readonly trust: TrustSource;
  /** Undefined where nobody can say whose a token is: then every token is wrong. */
  readonly tokens: TokenAuthenticator | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export function createAuthenticator({ trust, tokens, clock, log }: AuthenticatorOptions): Authenticate {
  const chains = createChainVerifier(clock);
  return async ({ headers, certificates }, signal) => {
    const { requestHeader, clientCAs } = trust.current();
    const [certificate] = certificates;
    if (requestHeader && certificate && isProxy(chains, requestHeader, certificates)) {
      return { user: userOfHeaders(requestHeader, headers, log), via: 'proxy' };
    }
    if (certificate && chains.verify(certificates, clientCAs)) {
      const user = userOfCertificate(certificate);
      if (user) return { user: authenticated(user), via: 'certificate' };
    }
    const token = bearerToken(headers);
    const owner = token ? await ownerOf(token, tokens, log, signal) : undefined;
    if (owner) return { user: authenticated(owner), via: 'token' };
    if (token || (certificate && !chains.verify(certificates, clientCAs))) throw unauthorized();
    return { user: anonymous, via: 'nothing' };
  };
}

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} };

/** Only a certificate of the request-header CA itself, with an allowed name, may speak for others. */
function isProxy(chains: ChainVerifier, { cas, allowedNames }: RequestHeaderTrust, certificates: readonly X509Certificate[]): boolean {
  const [certificate] = certificates;
  if (!certificate || !chains.verify(certificates, cas)) return false;
  return allowedNames.length === 0 || allowedNames.includes(subjectOf(certificate).commonName);
}

/** A proxy always names a user; if none came through, headers were lost, and what is left must not count. */
function userOfHeaders(trust: RequestHeaderTrust, headers: Headers, log: Log): User {
  const name = firstNamed(headers, trust.usernameHeaders);
  if (!name) {
    log.warn('refused a request of the front proxy that names no user', { headers: headers.length });
    throw unauthorized();
  }
  const uid = firstNamed(headers, trust.uidHeaders);
  return authenticated({
    name,
    ...(uid && { uid }),
    groups: trust.groupHeaders.flatMap((header) => valuesOf(headers, header)).filter((group) => group !== ''),
    extra: valuesByKey(headers, trust.extraHeadersPrefix),
  });
}

const firstNamed = (headers: Headers, names: readonly string[]): string =>
  names.map((name) => firstOf(headers, name)).find((value) => value !== '') ?? '';

/** Undefined for one that has no common name. */
function userOfCertificate(certificate: X509Certificate): User | undefined {
  const { commonName, organizations } = subjectOf(certificate);
  if (!commonName) return undefined;
  const id = `X509SHA256=${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`;
  return { name: commonName, groups: organizations, extra: { 'authentication.kubernetes.io/credential-id': [id] } };
}

interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** Read once for each connection: its certificates are the same objects at every request. */
const subjects = new WeakMap<X509Certificate, Subject>();

function subjectOf(certificate: X509Certificate): Subject {
  const subject = subjects.get(certificate) ?? readSubject(certificate);
  subjects.set(certificate, subject);
  return subject;
}

/** The legacy object is the one form in which Node takes a subject apart; its text form would have to be unescaped. */
function readSubject(certificate: X509Certificate): Subject {
  const { subject } = certificate.toLegacyObject();
  return { commonName: listOf(subject?.CN).at(-1) ?? '', organizations: listOf(subject?.O) };
}

const listOf = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

async function ownerOf(token: string, tokens: TokenAuthenticator | undefined, log: Log, signal: AbortSignal): Promise<User | undefined> {
  try {
    return await tokens?.userOf(token, signal);
  } catch (error) {
    log.warn('could not ask whose a bearer token is', { error: messageOf(error) });
    throw unauthorized();
  }
}

/** Everybody who is known is in this group, whatever the proxy or the token says of groups. */
function authenticated(user: User): User {
  const known = user.name === anonymous.name || user.groups.some((group) => everybody.has(group));
  return known ? user : { ...user, groups: [...user.groups, 'system:authenticated'] };
}

const everybody = new Set(['system:authenticated', 'system:unauthenticated']);
