/** What a request asks for in terms of access, and the words of a refusal. */
import type { Target } from '../machinery/call.ts';
import { forbidden, forbiddenPath, quote } from '../machinery/errors.ts';
import type { ApiError } from '../machinery/errors.ts';
import type { AccessAttributes, PathAttributes, User, Verdict } from '../machinery/user.ts';

export function attributesOf({ verb, path, resource: target }: Target): AccessAttributes | PathAttributes {
  if (!target) return { verb, path };
  const { group, version, resource, subresource, namespace, name } = target;
  return {
    verb,
    group,
    version,
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
}

/** 403 in the words of https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/responsewriters/errors.go */
export function denied(user: User, attributes: AccessAttributes | PathAttributes, verdict: Verdict): ApiError {
  if ('path' in attributes) return forbiddenPath(escape(user.name), attributes.verb, escape(attributes.path), verdict.reason);
  const { verb, group, resource, subresource, namespace, name = '' } = attributes;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${quote(namespace)}` : 'at the cluster scope';
  const why = escape(`User ${quote(user.name)} cannot ${verb} resource ${quote(what)} in API group ${quote(group)} ${where}`);
  return forbidden({ group, resource }, name, verdict.reason ? `${why}: ${verdict.reason}` : why);
}

/** Names are the sender's choice, and some clients show messages as HTML. */
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
