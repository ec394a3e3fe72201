/** GET of one object. */
import { objectAnswer } from '../answers.ts';
import type { Api } from '../api.ts';
import type { Answer } from '../call.ts';
import { notFound, tooLargeResourceVersion } from '../errors.ts';
import { groupResource, objectKey } from '../keys.ts';
import { negotiate } from '../views/negotiate.ts';
import { resourceVersionNumber } from '../input/query-values.ts';
import type { ResourceCall } from '../resource.ts';
import type { Stored } from '../storage.ts';

export async function get(api: Api, call: ResourceCall): Promise<Answer> {
  const representation = negotiate(api, call, 'object');
  const asked = resourceVersionNumber(call.query.get('resourceVersion') ?? '');
  return objectAnswer(200, call, representation, await fetchObject(api, call, asked));
}

/** The object that the path names. With `asked` 0 an older state of it will do. Rejects with ApiError 404 only if it does not exist now. */
export async function fetchObject(api: Api, { definition, resource, signal }: ResourceCall, asked?: number): Promise<Stored> {
  const name = resource.name ?? '';
  const key = objectKey(definition, resource.namespace, name);
  const stored = (asked === 0 ? api.storage.peek(key) : undefined) ?? (await api.storage.get(key, signal));
  if (asked !== undefined && asked > api.storage.current()) throw tooLargeResourceVersion(asked, api.storage.current());
  if (!stored) throw notFound(groupResource(definition), name);
  return stored;
}
