/** The parameters that requests take, as OpenAPI publishes them. */
import type { ParameterObject } from 'openapi3-ts/oas30';

type Type = 'string' | 'integer' | 'boolean';

export function queryParameter(name: string, type: Type, description: string): ParameterObject {
  return { name, in: 'query', description, schema: { type } };
}

export function pathParameter(name: string, description: string): ParameterObject {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

export const pretty = queryParameter('pretty', 'string', 'If true, the answer is indented for people.');

const dryRun = queryParameter('dryRun', 'string', 'All: do everything but store the result.');

export const writeParameters = [
  dryRun,
  queryParameter('fieldManager', 'string', 'Name of who makes the change, 128 characters at most.'),
  queryParameter(
    'fieldValidation',
    'string',
    'What happens to unknown and duplicate fields: Ignore drops them, Warn drops them with a warning, Strict refuses the request.',
  ),
];

const selection = [
  queryParameter('labelSelector', 'string', 'Only objects whose labels match.'),
  queryParameter('fieldSelector', 'string', 'Only objects whose fields match.'),
  queryParameter('limit', 'integer', 'At most so many objects; the rest follows by continue.'),
  queryParameter('continue', 'string', 'Token of the page before.'),
  queryParameter('resourceVersion', 'string', 'The number at which, or after which, the answer has to be true.'),
  queryParameter('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
];

export const listParameters = [
  ...selection,
  queryParameter('watch', 'boolean', 'Sends the changes as they happen, instead of a list.'),
  queryParameter('allowWatchBookmarks', 'boolean', 'Lets a watch send events that carry nothing but a number.'),
  queryParameter('sendInitialEvents', 'boolean', 'Lets a watch begin with the objects that there are, and a bookmark behind them.'),
  queryParameter('timeoutSeconds', 'integer', 'Seconds after which a watch ends.'),
];

export const deleteParameters = [
  dryRun,
  queryParameter('gracePeriodSeconds', 'integer', 'Seconds that an object is given to end by itself.'),
  queryParameter('orphanDependents', 'boolean', 'Older form of propagationPolicy Orphan.'),
  queryParameter('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
];

export const deleteCollectionParameters = [...selection, ...deleteParameters];
