/** How an answer looks to who asked: the object itself, its metadata alone, or a Table. negotiate.ts picks one by the Accept header. */
import type { ResourceDefinition } from './resource.ts';

/** Kept text and its number; the text may be of any state of an object. */
export interface Shown {
  readonly json: string;
  readonly rv: number;
}

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface Representation {
  /** Of an answer that is no watch, with its parameters. */
  readonly contentType: string;
  /** One object, as JSON (or YAML) text. */
  object(definition: ResourceDefinition, shown: Shown): string;
  /** What is no object of the kind, a Status, from its JSON: only the format is the client's choice. */
  status(json: string): string;
  /** A list, in pieces of about 64 KiB or as large as a page of storage, so that no list is ever one string. */
  list(definition: ResourceDefinition, metadata: ListMetadata, pages: AsyncIterable<readonly Shown[]>): AsyncIterable<string | Uint8Array>;
  /** A writer of events for one watch: it remembers what was sent before (columns of a Table go out once). */
  events(definition: ResourceDefinition): EventWriter;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface EventWriter {
  /** One event as a line of JSON with its line break. `shown` is the same for all watches that tell of the same change. */
  event(type: EventType, shown: Shown): Uint8Array;
  /** `initial`: marks the end of the initial events of a streaming list. */
  bookmark(rv: number, initial: boolean): string;
}
