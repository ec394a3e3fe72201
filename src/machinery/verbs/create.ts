/** POST to a collection. */
import { objectAnswer } from '../answers.ts';
import type { Api } from '../api.ts';
import { parseBody } from '../input/body.ts';
import type { Answer } from '../call.ts';
import { decodeObject } from '../input/decode-object.ts';
import { badRequest } from '../errors.ts';
import { negotiate } from '../views/negotiate.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceCall } from '../resource.ts';
import { createObject } from '../writing/write.ts';
import { writeOptions } from '../input/write-options.ts';

export async function create(api: Api, call: ResourceCall): Promise<Answer> {
  const { definition, user, signal } = call;
  const representation = negotiate(api, call, 'object');
  const { dryRun, fieldValidation } = writeOptions('CreateOptions', call.query);
  const warn = (text: string) => call.warn(text);
  const sent = decodeObject(definition, parseBody(call.body, call.contentType, definition.kind), fieldValidation, warn);
  const shown = await createObject(api, definition, placed(sent, call), { user, dryRun, signal, warn });
  return objectAnswer(201, call, representation, shown);
}

/** The object in the namespace of the path. */
function placed(sent: KubeObject, { resource }: ResourceCall): KubeObject {
  const { namespace, resourceVersion } = sent.metadata;
  if (resourceVersion && resourceVersion !== '0') throw badRequest('resourceVersion should not be set on objects to be created');
  if (namespace && namespace !== resource.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return resource.namespace === undefined ? sent : { ...sent, metadata: { ...sent.metadata, namespace: resource.namespace } };
}
