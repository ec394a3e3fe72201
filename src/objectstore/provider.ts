/** What a provider of object stores declares; one file each, named in providers.ts. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { ObjectStore } from './objectstore.ts';

export interface Provider {
  /** The scheme of its URLs, without the colon: `file` for file:///path. */
  readonly scheme: string;
  /** One line for --help: the form of the URL. */
  readonly usage: string;
  /** Opens the store that `url` names. Loads an SDK no sooner than here. Rejects with a StoreError that names what is wrong. */
  open(url: URL, parts: StoreParts): Promise<ObjectStore>;
}

export interface StoreParts {
  readonly clock: Clock;
  readonly ids: Ids;
}
