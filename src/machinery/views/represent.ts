/** A Representation of a view in a format. */
import { compactJson } from './format.ts';
import type { Format } from './format.ts';
import type { EventWriter, ListMetadata, Representation, Shown } from '../representation.ts';
import type { ResourceDefinition } from '../resource.ts';
import type { BookmarkMetadata, View } from './view.ts';

/** Characters after which a piece of a list goes out. */
const pieceLength = 64 * 1024;

export function represent(view: View, format: Format): Representation {
  return {
    contentType: format.mediaType,
    object: (definition, shown) => format.document(view.object(definition, shown, true)),
    status: (json) => format.document(json),
    list: (definition, metadata, pages) => inPieces(listParts(view, format, definition, metadata, pages)),
    events: (definition) => eventWriter(view, definition),
  };
}

async function* listParts(
  view: View,
  format: Format,
  definition: ResourceDefinition,
  metadata: ListMetadata,
  pages: AsyncIterable<readonly Shown[]>,
): AsyncGenerator<readonly (string | Uint8Array)[]> {
  yield [format.open(JSON.stringify(view.head(definition, metadata)), view.entries)];
  const textsOf = (page: readonly Shown[], isAtStart: boolean) =>
    page.map((shown, index) => format.entry(view.entry(definition, shown), isAtStart && index === 0));
  let isFirst = true;
  for await (const page of pages) {
    const texts = () => textsOf(page, isFirst);
    yield format === compactJson ? [view.pageBytes(definition, page, isFirst, () => texts().join(''))] : texts();
    isFirst &&= page.length === 0;
  }
  yield [format.close(isFirst)];
}

async function* inPieces(groups: AsyncIterable<readonly (string | Uint8Array)[]>): AsyncGenerator<string | Uint8Array> {
  let piece = '';
  for await (const parts of groups) {
    for (const part of parts) {
      if (typeof part === 'string') piece += part;
      if (typeof part === 'string' && piece.length < pieceLength) continue;
      if (piece !== '') yield piece;
      if (typeof part !== 'string') yield part;
      piece = '';
    }
  }
  yield piece;
}

function eventWriter(view: View, definition: ResourceDefinition): EventWriter {
  let first = true;
  const line = (type: string, object: string) => {
    first = false;
    return `{"type":"${type}","object":${object}}\n`;
  };
  return {
    event: (type, shown) => view.eventBytes(type, shown, () => line(type, view.object(definition, shown, first))),
    bookmark: (rv, initial) => line('BOOKMARK', view.bookmark(definition, bookmarkMetadata(rv, initial), first)),
  };
}

function bookmarkMetadata(rv: number, initial: boolean): BookmarkMetadata {
  return {
    resourceVersion: String(rv),
    creationTimestamp: null,
    ...(initial && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
  };
}
