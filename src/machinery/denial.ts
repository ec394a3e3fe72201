/** The words in which Kubernetes refuses a request. */
import { forbidden, forbiddenPath, quote } from './errors.ts';
import type { ApiError } from './errors.ts';
import type { AccessAttributes, PathAttributes, User, Verdict } from './user.ts';

/** 403 in the words of https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go */
export function denied(user: User, attributes: AccessAttributes | PathAttributes, verdict: Verdict): ApiError {
  if ('path' in attributes) return forbiddenPath(escape(user.name), attributes.verb, escape(attributes.path), verdict.reason);
  const { group, resource, name = '' } = attributes;
  return forbidden({ group, resource }, name, denialOf(user, attributes, verdict.reason));
}

/** Why: who cannot do what where. */
export function denialOf(user: User, { verb, group, resource, subresource, namespace }: AccessAttributes, reason: string): string {
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${quote(namespace)}` : 'at the cluster scope';
  const why = escape(`User ${quote(user.name)} cannot ${verb} resource ${quote(what)} in API group ${quote(group)} ${where}`);
  return reason ? `${why}: ${reason}` : why;
}

/** Names are the sender's choice, and some clients show messages as HTML. */
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
