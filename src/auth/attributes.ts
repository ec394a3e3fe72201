/** What a request asks for, in terms of access. */
import type { Target } from '../machinery/call.ts';
import type { AccessAttributes, PathAttributes } from '../machinery/user.ts';

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
