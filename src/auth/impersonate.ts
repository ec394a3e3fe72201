/**
 * Acting as somebody else: Impersonate-* headers, each of which needs a right of its own.
 * https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
 */
import { badRequest } from '../machinery/errors.ts';
import type { AccessAttributes, Authorizer, User } from '../machinery/user.ts';
import { denied } from '../machinery/denial.ts';
import { firstOf, valuesByKey, valuesOf } from './headers.ts';
import type { Headers } from './headers.ts';

/** The user that a request acts as; undefined where it asks for nobody else. Rejects with ApiError 400 and 403. */
export async function impersonate(user: User, headers: Headers, authorizer: Authorizer, signal: AbortSignal): Promise<User | undefined> {
  const wanted = wantedOf(headers);
  if (!wanted) return undefined;
  for (const attributes of rightsFor(wanted)) {
    const verdict = await authorizer.authorize(user, attributes, signal);
    if (!verdict.allowed) throw denied(user, attributes, verdict);
  }
  return { ...wanted, groups: completeGroups(wanted) };
}

function wantedOf(headers: Headers): User | undefined {
  const name = firstOf(headers, 'impersonate-user');
  const uid = firstOf(headers, 'impersonate-uid');
  const groups = valuesOf(headers, 'impersonate-group');
  const extra = valuesByKey(headers, ['impersonate-extra-']);
  if (name) return { name, ...(uid && { uid }), groups, extra };
  if (headers.some(([header]) => header.toLowerCase().startsWith('impersonate-'))) {
    throw badRequest('Impersonate-* headers need Impersonate-User, which names nobody');
  }
  return undefined;
}

function rightsFor({ name, uid, groups, extra }: User): AccessAttributes[] {
  const authentication = { verb: 'impersonate', group: 'authentication.k8s.io', version: 'v1' };
  const core = { verb: 'impersonate', group: '', version: 'v1' };
  const account = serviceAccount(name);
  return [
    account ? { ...core, resource: 'serviceaccounts', ...account } : { ...core, resource: 'users', name },
    ...groups.map((group) => ({ ...core, resource: 'groups', name: group })),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({ ...authentication, resource: 'userextras', subresource: key, name: value })),
    ),
    ...(uid ? [{ ...authentication, resource: 'uids', name: uid }] : []),
  ];
}

/** A service account is in its groups unless others were asked for; and everybody is in one of the two groups of all. */
function completeGroups({ name, groups }: User): readonly string[] {
  const account = serviceAccount(name);
  const own = groups.length === 0 && account ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : groups;
  const everybody = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  const complete = own.includes(everybody) || own.includes('system:unauthenticated');
  return complete ? own : [...own, everybody];
}

function serviceAccount(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace && name ? { namespace, name } : undefined;
}
