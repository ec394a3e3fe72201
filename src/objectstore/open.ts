/** Opens the object store that a URL names, and refuses one that does not keep the promises of objectstore.ts. */
import type { ObjectStore } from './objectstore.ts';
import { StoreError } from './objectstore.ts';
import { probe } from './probe.ts';
import type { StoreParts } from './provider.ts';
import { providers } from './providers.ts';

/** Rejects with a StoreError that names the URL and what is wrong with it. */
export async function openStore(url: string, parts: StoreParts, signal: AbortSignal = AbortSignal.any([])): Promise<ObjectStore> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const provider = providers.find(({ scheme }) => parsed?.protocol === `${scheme}:`);
  if (parsed === undefined || provider === undefined) throw new StoreError(unknownScheme(parsed));
  const store = await provider.open(parsed, parts);
  try {
    await probe(store, parts, signal);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

/** Says no more of the URL than its scheme: the rest may hold a secret. */
function unknownScheme(url: URL | undefined): string {
  const got = url === undefined ? 'is not a URL' : `has the scheme ${url.protocol}`;
  return `the URL of the object store ${got}; known are\n${providers.map(({ usage }) => `  ${usage}`).join('\n')}`;
}
