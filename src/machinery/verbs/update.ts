/** PUT of an object, or of its status. */
import { objectAnswer } from '../answers.ts';
import type { Api } from '../api.ts';
import { parseBody } from '../input/body.ts';
import type { Answer } from '../call.ts';
import { decodeObject } from '../input/decode-object.ts';
import { objectKey } from '../keys.ts';
import { negotiate } from '../views/negotiate.ts';
import { requireSamePlace } from '../writing/same-place.ts';
import { requireMatch } from '../writing/preconditions.ts';
import type { ResourceCall } from '../resource.ts';
import { updateObject } from '../writing/write.ts';
import { writeOptions } from '../input/write-options.ts';

export async function update(api: Api, call: ResourceCall): Promise<Answer> {
  const { definition, resource, user, signal } = call;
  const representation = negotiate(api, call, 'object');
  const { dryRun, fieldValidation } = writeOptions('UpdateOptions', call.query);
  const warn = (text: string) => call.warn(text);
  const sent = decodeObject(definition, parseBody(call.body, call.contentType, definition.kind), fieldValidation, warn);
  requireSamePlace(sent, call);
  const key = objectKey(definition, resource.namespace, resource.name ?? '');
  const part = resource.subresource === 'status' ? 'status' : 'object';
  const replace = (old: typeof sent) => {
    requireMatch(definition, old, sent.metadata);
    return sent;
  };
  const shown = await updateObject(api, definition, key, part, replace, { user, dryRun, signal, warn });
  return objectAnswer(200, call, representation, shown);
}
