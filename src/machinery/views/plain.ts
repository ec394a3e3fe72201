/** Objects as they are: kept text with its number put in, never parsed. */
import { withVersion } from '../encode.ts';
import { groupVersion } from '../resource.ts';
import { EventBytes } from './event-bytes.ts';
import { PageBytes } from './page-bytes.ts';
import type { View } from './view.ts';

const known = new PageBytes();
const knownEvents = new EventBytes();

export const plainView: View = {
  object: (_, { json, rv }) => withVersion(json, rv),
  head: (definition, metadata) => ({ kind: `${definition.kind}List`, apiVersion: groupVersion(definition), metadata }),
  entries: 'items',
  entry: (_, { json, rv }) => withVersion(json, rv),
  pageBytes: (_, page, isFirst, text) => known.of(page, isFirst, 0, () => ({ text: text(), until: Infinity })),
  eventBytes: (type, shown, text) => knownEvents.of(type, shown, text),
  bookmark: (definition, metadata) => JSON.stringify({ kind: definition.kind, apiVersion: groupVersion(definition), metadata }),
};
