/** DELETE of an object: a Status when it is gone, the object itself while finalizers hold it. */
import { deletedAnswer, objectAnswer } from '../answers.ts';
import type { Api } from '../api.ts';
import type { Answer } from '../call.ts';
import { deleteOptions } from '../input/delete-options.ts';
import { objectKey } from '../keys.ts';
import { negotiate } from '../views/negotiate.ts';
import { deleteObject } from '../writing/remove.ts';
import type { ResourceCall } from '../resource.ts';

export async function deleteOne(api: Api, call: ResourceCall): Promise<Answer> {
  const { definition, resource, user, signal } = call;
  const representation = negotiate(api, call, 'object');
  const options = deleteOptions(call);
  const key = objectKey(definition, resource.namespace, resource.name ?? '');
  const writer = { user, dryRun: options.dryRun, signal, warn: (text: string) => call.warn(text) };
  const removal = await deleteObject(api, definition, key, options, writer);
  return 'gone' in removal ? deletedAnswer(call, representation, removal.gone) : objectAnswer(200, call, representation, removal.pending);
}
