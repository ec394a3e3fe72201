/** Reading and changing parts of objects whose shape is known to nobody but the cluster. */
import type { ClusterObject } from '../../cluster/cluster.ts';

export type Fields = Record<string, unknown>;

/** Whether an object stands there. */
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that stands there, or an empty one that belongs to nobody. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

/** The text that stands there; undefined where none does. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Milliseconds since the epoch; NaN where the cluster has not said when. */
export const createdAt = ({ metadata }: ClusterObject): number => Date.parse(textOf(metadata['creationTimestamp']) ?? '');

/** The objects of the list that stands there. */
export const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** Keeps of a list in `owner` what passes; an empty list goes. */
export function filterList(owner: Fields, field: string, keep: (entry: Fields) => boolean): void {
  if (!Array.isArray(owner[field])) return;
  const kept = listOf(owner[field]).filter(keep);
  if (kept.length) owner[field] = kept;
  else delete owner[field];
}

/** Removes keys of a map in `owner`; an empty map goes. */
export function dropKeys(owner: Fields, field: string, keys: readonly string[]): void {
  const map = fieldsOf(owner[field]);
  for (const key of keys) delete map[key];
  if (owner[field] !== undefined && Object.keys(map).length === 0) delete owner[field];
}
