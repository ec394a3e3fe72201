/** What a request is about: its path and method, read once and strictly, and the rights that it takes. */
import type { FileKind } from '../paths.ts';
import { fileKinds } from '../paths.ts';
import type { RepositoryName, Rights } from '../repositories.ts';
import { Refused } from './exchange.ts';

/** Below it each store has a repository for each namespace: /repositories/STORE/NAMESPACE/. */
export const repositoriesPath = '/repositories/';

export type Target = RepositoryName &
  (
    | { readonly what: 'repository' }
    | { readonly what: 'config' }
    | { readonly what: 'kind'; readonly kind: FileKind }
    | { readonly what: 'file'; readonly kind: FileKind; readonly id: string }
  );

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** Paths are ASCII without escapes, so that there is one way to write each. */
const pattern = new RegExp(`^${repositoriesPath}(${label})/(${label})/(?:(config)|(${fileKinds.join('|')})/([0-9a-f]{64})?)?$`);

/** Throws Refused. `url` is as sent. */
export function targetOf(url: string): Target {
  const [, storeName, namespace, config, kind, id] = pattern.exec(url.replace(/\?.*$/s, '')) ?? [];
  if (storeName === undefined || namespace === undefined) throw new Refused(404, 'no path of a restic repository');
  const repository = { storeName, namespace };
  if (config !== undefined) return { ...repository, what: 'config' };
  if (kind === undefined) return { ...repository, what: 'repository' };
  return id === undefined
    ? { ...repository, what: 'kind', kind: kind as FileKind }
    : { ...repository, what: 'file', kind: kind as FileKind, id };
}

export type Operation = 'create' | 'list' | 'size' | 'read' | 'save' | 'delete';

const operations: Readonly<Record<Target['what'], Readonly<Record<string, Operation>>>> = {
  repository: { POST: 'create', DELETE: 'delete' },
  config: { HEAD: 'size', GET: 'read', POST: 'save', DELETE: 'delete' },
  kind: { GET: 'list' },
  file: { HEAD: 'size', GET: 'read', POST: 'save', DELETE: 'delete' },
};

/** Throws Refused. */
export function operationOn({ what }: Target, method: string): Operation {
  const allowed = operations[what];
  const operation = Object.hasOwn(allowed, method) ? allowed[method] : undefined;
  if (operation === undefined) throw new Refused(405, `not by ${method.slice(0, 20)}`, { Allow: Object.keys(allowed).join(', ') });
  return operation;
}

/**
 * Whose tickets allow it. Locks are how readers tell others of themselves. Config and keys are Kylon's: a second key, of nobody knows which
 * repository, would keep restic from opening this one. Snapshots are forgotten by Kylon alone.
 */
export function allowedTo(operation: Operation, target: Target): readonly Rights[] {
  if (operation === 'create') return ['append'];
  if (operation !== 'save' && operation !== 'delete') return everybody;
  return target.what === 'file' ? writers[target.kind][operation] : [];
}

const everybody: readonly Rights[] = ['append', 'prune', 'read'];
const writers: Readonly<Record<FileKind, Readonly<Record<'save' | 'delete', readonly Rights[]>>>> = {
  data: { save: ['append', 'prune'], delete: ['prune'] },
  index: { save: ['append', 'prune'], delete: ['prune'] },
  snapshots: { save: ['append'], delete: [] },
  locks: { save: everybody, delete: everybody },
  keys: { save: [], delete: [] },
};
