/** May they. The cluster decides, by SubjectAccessReview, with what it was told by kube-apiserver's own rules; here its answers are kept for some seconds. */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import type { AccessReview, Reviews } from '../cluster/reviews.ts';
import { internal } from '../machinery/errors.ts';
import type { AccessAttributes, Authorizer, PathAttributes, User, Verdict } from '../machinery/user.ts';
import { createInquiry } from './inquiry.ts';

/** Kubernetes' own group of those who may do everything, also when the cluster cannot be asked. */
export const masters = 'system:masters';

const unauthenticated = 'system:unauthenticated';

/** Exactly these: what lies below says more than that the server runs. */
export const healthPaths: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz']);

/** Answers to longer questions are not kept, so that nobody can fill the memory with them. */
const longestKey = 10_000;

export function createAuthorizer(reviews: Pick<Reviews, 'reviewAccess'>, clock: Clock): Authorizer {
  const inquiry = createInquiry<Verdict>(clock, 8192);
  return {
    async authorize(user, attributes, signal) {
      const settled = settledVerdict(user, attributes);
      if (settled) return settled;
      const review = reviewOf(user, attributes);
      const key = JSON.stringify(review);
      const ask = async (signal: AbortSignal) => verdictOf(await reviews.reviewAccess(review, signal));
      try {
        return await (key.length > longestKey ? ask(signal) : inquiry.ask(key, ask, signal));
      } catch (error) {
        throw internal(`the cluster could not be asked for access: ${messageOf(error)}`, error);
      }
    },
  };
}

/** What needs no question. Of those whom nobody knows nothing is asked either, whatever roles the cluster gives them. */
export function settledVerdict(user: User, attributes: AccessAttributes | PathAttributes): Verdict | undefined {
  if ('path' in attributes && healthPaths.has(attributes.path)) return { allowed: true, reason: 'health is open to all' };
  if (user.groups.includes(unauthenticated)) return { allowed: false, reason: 'anonymous users may see health only' };
  if (user.groups.includes(masters)) return { allowed: true, reason: `member of ${masters}` };
  return undefined;
}

function reviewOf(user: User, attributes: AccessAttributes | PathAttributes): AccessReview {
  return 'path' in attributes ? { user, nonResourceAttributes: attributes } : { user, resourceAttributes: attributes };
}

/** Nothing but a plain yes is one: a cluster that answers with conditions says neither. */
const verdictOf = ({ allowed, reason }: { readonly allowed: unknown; readonly reason: string }): Verdict => ({
  allowed: allowed === true,
  reason,
});
