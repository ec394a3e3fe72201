/** The token with which a client asks for the rest of a list: opaque to it, and as Kubernetes makes it. */
import { badRequest } from '../errors.ts';

export interface Continue {
  /** The number of the snapshot that the list began with; -1: go on with what there is now. */
  readonly rv: number;
  /** The last key that was sent. Namespace is empty for what lies in none. */
  readonly after: { readonly namespace: string; readonly name: string };
}

const version = 'meta.k8s.io/v1';

export function encodeContinue({ rv, after }: Continue): string {
  const key = after.namespace ? `${after.namespace}/${after.name}` : after.name;
  return Buffer.from(JSON.stringify({ v: version, rv, start: `${key}\u0000` })).toString('base64url');
}

/** Throws ApiError 400. */
export function decodeContinue(token: string, namespaced: boolean): Continue {
  const { v, rv, start } = parse(token);
  if (v !== version) throw invalid(`server does not recognize this encoded version ${JSON.stringify(v)}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv < -1 || rv === 0)
    throw invalid(`incorrect encoded start resourceVersion (version ${version})`);
  if (typeof start !== 'string' || start === '') throw invalid(`encoded start key empty (version ${version})`);
  return { rv, after: keyOf(start, namespaced) };
}

function parse(token: string): { v?: unknown; rv?: unknown; start?: unknown } {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) throw invalid('illegal base64 data');
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw invalid('not JSON', error);
  }
  throw invalid('not a JSON object');
}

function keyOf(start: string, namespaced: boolean): Continue['after'] {
  const parts = (start.endsWith('\u0000') ? start.slice(0, -1) : start).split('/');
  if (parts.length !== (namespaced ? 2 : 1)) throw invalid('the start key is not one of this resource');
  return { namespace: namespaced ? (parts[0] ?? '') : '', name: parts.at(-1) ?? '' };
}

const invalid = (why: string, cause?: unknown) => badRequest(`invalid continue token: continue key is not valid: ${why}`, cause);
