/** Metadata alone, as controllers ask for it: PartialObjectMetadata and its list. */
import { decode } from '../encode.ts';
import type { ObjectMeta } from '../object.ts';
import { EventBytes } from './event-bytes.ts';
import { PageBytes } from './page-bytes.ts';
import type { BookmarkMetadata, MetaVersion, View } from './view.ts';

const known = { v1: new PageBytes(), v1beta1: new PageBytes() };
const knownEvents = { v1: new EventBytes(), v1beta1: new EventBytes() };

export function partialView(version: MetaVersion): View {
  const object: View['object'] = (_, shown) => JSON.stringify(partialOf(decode(shown).metadata, version));
  return {
    object,
    head: (_, metadata) => ({ kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata }),
    entries: 'items',
    entry: (definition, shown) => object(definition, shown, true),
    pageBytes: (_, page, isFirst, text) => known[version].of(page, isFirst, 0, () => ({ text: text(), until: Infinity })),
    eventBytes: (type, shown, text) => knownEvents[version].of(type, shown, text),
    bookmark: (_, metadata) => JSON.stringify(partialOf(metadata, version)),
  };
}

export function partialOf(metadata: ObjectMeta | BookmarkMetadata, version: MetaVersion) {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata };
}

/** The same as text; `metadata` is JSON. */
export function partialText(metadata: string, version: MetaVersion): string {
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${metadata}}`;
}
