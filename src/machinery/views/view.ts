/** What of an object is shown; format.ts says how it is written. All texts are JSON. */
import type { EventType, ListMetadata, Shown } from '../representation.ts';
import type { ResourceDefinition } from '../resource.ts';

export interface View {
  /** An object by itself; `first` is false for all but the first event of a watch. */
  object(definition: ResourceDefinition, shown: Shown, first: boolean): string;
  /** The fields of a list but for its entries. */
  head(definition: ResourceDefinition, metadata: ListMetadata): Readonly<Record<string, unknown>>;
  /** The field of a list that holds its entries. */
  readonly entries: 'items' | 'rows';
  entry(definition: ResourceDefinition, shown: Shown): string;
  /** The bytes of a page of entries; `text` makes them where nobody has kept them. */
  pageBytes(definition: ResourceDefinition, page: readonly Shown[], isFirst: boolean, text: () => string): Uint8Array;
  /** The bytes of an event; `text` makes them where nobody has kept them. */
  eventBytes(type: EventType, shown: Shown, text: () => string): Uint8Array;
  /** What a bookmark carries in place of an object. */
  bookmark(definition: ResourceDefinition, metadata: BookmarkMetadata, first: boolean): string;
}

export interface BookmarkMetadata {
  readonly resourceVersion: string;
  readonly creationTimestamp: null;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The versions of meta.k8s.io in which metadata and Tables are served; they look alike. */
export type MetaVersion = 'v1' | 'v1beta1';
