/** Opens the object store that a URL names, and refuses one that does not keep the promises of objectstore.ts. */
import type { Metrics } from '../base/metrics.ts';
import { encrypted } from './encryption/encrypted.ts';
import { readKeyring } from './encryption/keyring.ts';
import { gathering } from './wrappers/gathering.ts';
import { limited } from './wrappers/limited.ts';
import { measured } from './wrappers/measured.ts';
import type { ObjectStore } from './objectstore.ts';
import { StoreError } from './objectstore.ts';
import { probe } from './probe/probe.ts';
import type { StoreParts } from './provider.ts';
import { providers } from './providers.ts';
import { urlFault } from './url-fault.ts';
import { retrying } from './wrappers/retrying.ts';

export interface OpenParts extends StoreParts {
  readonly metrics: Metrics;
  /** Path of the file with the keys; without, nothing is encrypted. The marker of the catalog says whether that is right. */
  readonly encryptionKeys?: string | undefined;
  /** Told each promise of the store as soon as it is proved. */
  readonly onProof?: (proved: string) => void;
}

export interface OpenedStore {
  readonly store: ObjectStore;
  /** Whether there were keys: then it encrypts, and nobody above it has to know. */
  readonly encrypted: boolean;
  /** Why nothing can be written to it; undefined where that is possible. */
  readonly readOnly: string | undefined;
}

/** Rejects with a StoreError that names the store and what is wrong with it. */
export async function openStore(url: string, parts: OpenParts, signal: AbortSignal): Promise<OpenedStore> {
  const keyring = parts.encryptionKeys === undefined ? undefined : await readKeyring(parts.encryptionKeys);
  const bare = await openBare(url, parts, signal);
  const store = retrying(limited(measured(gathering(bare), parts), parts), parts);
  try {
    const { denied } = await probe(store, parts, signal);
    const whole = keyring === undefined ? store : encrypted(store, keyring, parts.ids);
    return { store: whole, encrypted: keyring !== undefined, readOnly: denied };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openBare(url: string, parts: StoreParts, signal: AbortSignal): Promise<ObjectStore> {
  const fault = urlFault(url);
  if (fault !== undefined) throw new StoreError(`the URL of the object store: ${fault}`);
  const parsed = new URL(url);
  const provider = providers.find(({ scheme }) => parsed.protocol === `${scheme}:`);
  if (!provider) throw new StoreError(`there is no provider for ${parsed.protocol}`);
  return provider.open(parsed, parts, signal);
}
