/** Asking the cluster who a token belongs to and what a user may do. kubernetes.ts implements it. */
import type { ClusterUser } from './cluster.ts';

export interface Reviews {
  /** TokenReview; undefined for a token that the cluster does not know. Rejects with ClusterError when it cannot be asked. */
  reviewToken(token: string, signal: AbortSignal): Promise<ClusterUser | undefined>;
  /** SubjectAccessReview. Rejects with ClusterError when it cannot be asked. */
  reviewAccess(review: AccessReview, signal: AbortSignal): Promise<{ readonly allowed: boolean; readonly reason: string }>;
}

export interface AccessReview {
  readonly user: ClusterUser;
  readonly resourceAttributes?: {
    readonly verb: string;
    readonly group: string;
    readonly version?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly fieldSelector?: object;
    readonly labelSelector?: object;
  };
  readonly nonResourceAttributes?: { readonly verb: string; readonly path: string };
}
