/** What a PATCH asks for, as a function of the object that it changes. */
import { mediaType, parseJson, textOf } from './body.ts';
import type { Parsed } from './body.ts';
import type { Call } from '../call.ts';
import { badRequest, unsupportedMediaType } from '../errors.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

type PatchType = (document: unknown, patch: unknown) => unknown;

/** Strategic merge and apply are refused with 415, at which the clients that can do otherwise do so. */
const types: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': mergePatch,
};

/** Throws ApiError 400, 413, 415; the function that it returns throws ApiError too. */
export function patchOf(call: Call): (document: unknown) => Parsed {
  const type = mediaType(call.contentType);
  const apply = Object.hasOwn(types, type) ? types[type] : undefined;
  if (!apply) throw unsupportedMediaType(Object.keys(types));
  const { value, duplicates } = parseJson(textOf(call.body), 'error decoding patch: ');
  if (apply === mergePatch && (typeof value !== 'object' || value === null || Array.isArray(value)))
    throw badRequest('error decoding patch: a JSON merge patch is an object');
  return (document) => ({ value: apply(document, value), duplicates });
}
