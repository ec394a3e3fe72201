/** The continue token of a diff: how far it is, and where the list of the cluster goes on. */
import { badRequest } from '../../machinery/errors.ts';

export interface Place {
  /** `plural.group`; all of those before it are done. */
  readonly resource: string;
  /** Everything of it up to this key is done. */
  readonly after: string;
  /** Where what comes next is listed: the namespace, empty for a list of all, and the page. */
  readonly namespace: string;
  readonly page: string;
}

export const beginning: Place = { resource: '', after: '', namespace: '', page: '' };

export function encodePlace({ resource, after, namespace, page }: Place): string {
  return Buffer.from(JSON.stringify([resource, after, namespace, page])).toString('base64url');
}

/** Throws ApiError 400 for a token that is none; empty is the beginning. */
export function decodePlace(token: string): Place {
  if (token === '') return beginning;
  const parts = partsOf(token);
  const [resource, after, namespace, page] = parts;
  const isToken = parts.length === 4 && parts.every((part) => typeof part === 'string') && resource !== '';
  if (!isToken) throw badRequest('continue key is not valid: it is not one that this server gave');
  return { resource, after, namespace, page } as Place;
}

function partsOf(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
