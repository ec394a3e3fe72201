/** Credentials that are given for one store alone, instead of those of the process. */
import { StoreError } from './objectstore.ts';
import type { StoreParts } from './provider.ts';
import { providers } from './providers.ts';

/** The environment in which the store of `url` is opened with them. Throws a StoreError where they are none; it names variables, never their values. */
export function environmentOf(url: string, given: StoreParts['env']): StoreParts['env'] {
  const scheme = new URL(url).protocol;
  const { oneOf = [], also = [] } = providers.find((provider) => scheme === `${provider.scheme}:`)?.credentials ?? {};
  const row = oneOf.find((names) => names.every((name) => given[name]));
  if (row === undefined) {
    const rows = oneOf.map((names) => names.join(' and '));
    throw new StoreError(`the credentials lack ${rows.join(', or ') || 'a use: this store takes none'}`);
  }
  return Object.fromEntries([...row, ...also].map((name) => [name, given[name]]));
}
