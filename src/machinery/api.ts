/** What every verb needs to do its work: the kinds there are, where objects lie, and the rules of this server. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { ResourceDefinition } from './resource.ts';
import type { Storage } from './storage.ts';
import type { Authorizer } from './user.ts';
import type { Version } from './description/version.ts';

export interface Api {
  readonly definitions: readonly ResourceDefinition[];
  readonly storage: Storage;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly authorizer: Authorizer;
  readonly namespaces: NamespaceReader;
  /** What /version says; that of Kylon itself where this is left out. */
  readonly version?: Version;
  /** Handed to the handlers of subresources, see resources/services.ts. */
  readonly services: unknown;
}

/** For the rule that nothing is created in a namespace that is not there or is going. */
export interface NamespaceReader {
  /** Rejects with ApiError 503 when nobody can tell. */
  phase(name: string, signal: AbortSignal): Promise<'Active' | 'Terminating' | undefined>;
}
