/**
 * The form in which objects are kept: JSON text that begins with apiVersion, kind, metadata, and has no
 * metadata.resourceVersion. So the number is put in by one splice, without parsing, and lists are joined from kept text.
 */
import { parseExactly, textExactly } from '../base/exact-json.ts';
import type { KubeObject } from './object.ts';
import type { Stored } from './storage.ts';

/** Where the text of metadata begins, behind its brace; metadata always has a name, so a comma may follow. */
const metadataStart = /^\{"apiVersion":"[^"]*","kind":"[^"]*","metadata":\{/;

/** An object as it is kept. */
export function encode(object: KubeObject): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...kept } = metadata;
  return textExactly({ apiVersion, kind, metadata: kept, ...rest });
}

/** Kept text as clients see it: with its number. What a dry run would have made has none: its rv is 0. */
export function withVersion(json: string, rv: number): string {
  if (rv === 0) return json;
  const start = metadataStart.exec(json)?.[0].length;
  if (start === undefined) throw new Error('stored text is not in the form that encode makes');
  return `${json.slice(0, start)}"resourceVersion":"${rv}",${json.slice(start)}`;
}

/** A kept object, parsed, with its number. */
export function decode(stored: Pick<Stored, 'json' | 'rv'>): KubeObject {
  const object = parseExactly(stored.json) as KubeObject;
  if (stored.rv > 0) object.metadata.resourceVersion = String(stored.rv);
  return object;
}
