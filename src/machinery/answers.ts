/** Answers of the verbs. */
import type { Answer } from './call.ts';
import { success } from './errors.ts';
import type { KubeObject } from './object.ts';
import type { Representation, Shown } from './representation.ts';
import type { ResourceCall } from './resource.ts';

export function objectAnswer(status: number, { definition }: ResourceCall, representation: Representation, shown: Shown): Answer {
  return { status, headers: { 'Content-Type': representation.contentType }, body: representation.object(definition, shown) };
}

/** By the uid kubectl waits for the end of the right object. */
export function deletedAnswer({ definition }: ResourceCall, representation: Representation, { metadata }: KubeObject): Answer {
  const { group, plural } = definition;
  const details = { name: metadata.name, ...(group && { group }), kind: plural, ...(metadata.uid && { uid: metadata.uid }) };
  const body = representation.status(JSON.stringify(success(details)));
  return { status: 200, headers: { 'Content-Type': representation.contentType }, body };
}
