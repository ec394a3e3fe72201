/** Who asks, what they want to do, and who decides. */

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** As in a SubjectAccessReview. */
export interface AccessAttributes {
  readonly verb: string;
  readonly group: string;
  readonly version?: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Undefined: cluster-wide. */
  readonly namespace?: string;
  readonly name?: string;
  /** What a list, a watch or a deletecollection is narrowed to; left out where it is not, or not in a way that can be read. */
  readonly fieldSelector?: AccessSelector;
  readonly labelSelector?: AccessSelector;
}

export interface AccessSelector {
  readonly requirements: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface PathAttributes {
  readonly verb: string;
  readonly path: string;
}

export interface Authorizer {
  /** Rejects (with an ApiError 500) when nobody can tell: that is neither yes nor no. */
  authorize(user: User, attributes: AccessAttributes | PathAttributes, signal: AbortSignal): Promise<Verdict>;
}

export interface Verdict {
  readonly allowed: boolean;
  /** The authorizer's own words; may be empty. */
  readonly reason: string;
}

/** Kylon itself, for what its engine writes into its own API. */
export const kylonUser: User = { name: 'system:kylon', groups: ['system:masters', 'system:authenticated'], extra: {} };
