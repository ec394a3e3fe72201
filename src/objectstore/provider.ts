/** What a provider of object stores declares; one file each, named in providers.ts. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { ObjectStore } from './objectstore.ts';

export interface Provider {
  /** The scheme of its URLs, without the colon: `file` for file:///path. */
  readonly scheme: string;
  /** For --help and messages: the form of the URL, and what may stand behind its question mark. A line each. */
  readonly usage: string;
  /** What is wrong with a URL of the scheme as it was typed, for what parsing hides; undefined where opening can say more. */
  readonly faultOf?: (typed: string) => string | undefined;
  /** Which variables hold credentials; a store that has none leaves it out. */
  readonly credentials?: Credentials;
  /**
   * Opens the store that `url` names, and sweeps what uploads of dead processes left in it. Loads an SDK no sooner than here.
   * Every call of the store is one try: an SDK's own retries are off, since only the caller knows what a second try may do.
   * Rejects with a StoreError that names what is wrong: a part of the URL, a variable, the place that is not there.
   */
  open(url: URL, parts: StoreParts, signal: AbortSignal): Promise<ObjectStore>;
}

export interface StoreParts {
  readonly clock: Clock;
  readonly ids: Ids;
  /** The environment: the only place, beside files that a URL names, where a provider looks for secrets. */
  readonly env: Environment;
  /** Certificates in PEM form that are trusted beside those of the system; for providers that say so. */
  readonly ca?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Credentials {
  /** All variables of one of these rows have to be set. */
  readonly oneOf: readonly (readonly string[])[];
  /** May be set beside them. */
  readonly also?: readonly string[];
}
