/** What a provider of object stores declares; one file each, named in providers.ts. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { ObjectStore } from './objectstore.ts';

export interface Provider {
  /** The scheme of its URLs, without the colon: `file` for file:///path. */
  readonly scheme: string;
  /** For --help and messages: the form of the URL, and what may stand behind its question mark. A line each. */
  readonly usage: string;
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
  readonly env: Readonly<Record<string, string | undefined>>;
}
