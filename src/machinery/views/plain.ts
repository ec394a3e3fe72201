/** Objects as they are: kept text with its number put in, never parsed. */
import { withVersion } from '../encode.ts';
import { groupVersion } from '../resource.ts';
import type { View } from './view.ts';

export const plainView: View = {
  object: (_, { json, rv }) => withVersion(json, rv),
  head: (definition, metadata) => ({ kind: `${definition.kind}List`, apiVersion: groupVersion(definition), metadata }),
  entries: 'items',
  entry: (_, { json, rv }) => withVersion(json, rv),
  bookmark: (definition, metadata) => JSON.stringify({ kind: definition.kind, apiVersion: groupVersion(definition), metadata }),
};
