/** Users by bearer token. The cluster knows whose a token is (TokenReview); its answer holds for some seconds. */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Reviews } from '../cluster/reviews.ts';
import type { User } from '../machinery/user.ts';
import { firstOf, valuesOf } from './headers.ts';
import type { Headers } from './headers.ts';
import { createInquiry } from './inquiry.ts';

export interface TokenAuthenticator {
  /** Undefined for a token that the cluster does not know; rejects when it cannot be asked. */
  userOf(token: string, signal: AbortSignal): Promise<User | undefined>;
}

/** Tokens are kept as their hash only. */
export function createTokenAuthenticator(reviews: Pick<Reviews, 'reviewToken'>, clock: Clock): TokenAuthenticator {
  const inquiry = createInquiry<User | undefined>(clock, 4096);
  return {
    userOf: (token, signal) =>
      inquiry.ask(createHash('sha256').update(token).digest('hex'), (signal) => reviews.reviewToken(token, signal), signal),
  };
}

/** The token of a request, or empty: of its Authorization header, or for a WebSocket of its list of protocols. */
export function bearerToken(headers: Headers): string {
  const [scheme, token = ''] = firstOf(headers, 'authorization').trim().split(' ');
  if (scheme?.toLowerCase() === 'bearer' && token) return token;
  return firstOf(headers, 'upgrade').toLowerCase() === 'websocket' ? webSocketToken(headers) : '';
}

/** Browsers can set no header on a WebSocket: https://github.com/kubernetes/kubernetes/pull/47740 */
function webSocketToken(headers: Headers): string {
  const prefix = 'base64url.bearer.authorization.k8s.io.';
  const protocols = valuesOf(headers, 'sec-websocket-protocol').flatMap((value) => value.split(',').map((one) => one.trim()));
  const encoded = protocols.find((protocol) => protocol.startsWith(prefix));
  return encoded && protocols.length > 1 ? Buffer.from(encoded.slice(prefix.length), 'base64url').toString('utf8') : '';
}
