/** Reviews over HTTP: TokenReview and SubjectAccessReview, both v1. */
import type { ApiClient } from './client.ts';
import type { ClusterUser } from './cluster.ts';
import type { AccessReview, Reviews } from './reviews.ts';

interface TokenReviewed {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}
interface AccessReviewed {
  readonly status?: { readonly allowed?: boolean; readonly reason?: string; readonly evaluationError?: string };
}

/** A user waits meanwhile. */
const timeoutMs = 10_000;

export function reviewsOf(client: ApiClient): Reviews {
  return {
    reviewToken: (token, signal) => reviewToken(client, token, signal),
    reviewAccess: (review, signal) => reviewAccess(client, review, signal),
  };
}

async function reviewToken(client: ApiClient, token: string, signal: AbortSignal): Promise<ClusterUser | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const { status } = await client.json<TokenReviewed>({ method: 'POST', path, body, safe: true, timeoutMs }, signal);
  if (status?.authenticated !== true || !status.user?.username) return undefined;
  const { username: name, uid, groups = [], extra = {} } = status.user;
  return { name, groups, extra, ...(uid && { uid }) };
}

/** Only a plain yes is one: a conditional answer of a newer server, or none, is not. */
async function reviewAccess(client: ApiClient, review: AccessReview, signal: AbortSignal) {
  const { user, ...attributes } = review;
  const spec = { user: user.name, uid: user.uid, groups: user.groups, extra: user.extra, ...attributes };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = await client.json<AccessReviewed>({ method: 'POST', path, body, safe: true, timeoutMs }, signal);
  return { allowed: status?.allowed === true, reason: status?.reason || status?.evaluationError || '' };
}
