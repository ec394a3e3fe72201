/** PATCH of an object, or of its status. */
import { objectAnswer } from '../answers.ts';
import type { Api } from '../api.ts';
import type { Answer } from '../call.ts';
import { decodeObject } from '../input/decode-object.ts';
import { objectKey } from '../keys.ts';
import { negotiate } from '../views/negotiate.ts';
import type { KubeObject } from '../object.ts';
import { patchOf } from '../input/patch-body.ts';
import { requireMatch } from '../writing/preconditions.ts';
import type { ResourceCall } from '../resource.ts';
import { requireSamePlace } from '../writing/same-place.ts';
import { updateObject } from '../writing/write.ts';
import { writeOptions } from '../input/write-options.ts';

export async function patch(api: Api, call: ResourceCall): Promise<Answer> {
  const { definition, resource, user, signal } = call;
  const representation = negotiate(api, call, 'object');
  const applied = patchOf(call);
  const { dryRun, fieldValidation } = writeOptions('PatchOptions', call.query);
  const warnings = new Set<string>();
  const warn = (text: string) => void warnings.add(text);
  const change = (old: KubeObject) => {
    const sent = decodeObject(definition, applied(old), fieldValidation, warn);
    requireSamePlace(sent, call);
    requireMatch(definition, old, sent.metadata);
    return sent;
  };
  const key = objectKey(definition, resource.namespace, resource.name ?? '');
  const part = resource.subresource === 'status' ? 'status' : 'object';
  const shown = await updateObject(api, definition, key, part, change, { user, dryRun, signal, warn });
  for (const warning of warnings) call.warn(warning);
  return objectAnswer(200, call, representation, shown);
}
