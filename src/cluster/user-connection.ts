/** The API server as whoever holds a kubeconfig asks it: for commands of people, with their own identity. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { createClient } from './client.ts';
import type { ApiClient } from './client.ts';
import type { ClusterUser } from './cluster.ts';
import { loadCredentials } from './credentials.ts';
import type { CredentialSource } from './credentials.ts';
import { impersonationHeaders } from './impersonate.ts';

export interface UserConnection {
  readonly client: ApiClient;
  /** Of the API server, for messages. */
  readonly server: URL;
  /** That the context chooses, if it does. */
  readonly namespace: string | undefined;
  readonly close: () => void;
}

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
  /** What calls itself so in the audit log of the cluster. */
  readonly userAgent: string;
  /** In whose name, where it is not that of the kubeconfig. */
  readonly as: ClusterUser | undefined;
}

/** Reads the configuration; asks the server nothing yet. Rejects with ClusterError where the configuration is not usable. */
export async function connectUser(source: CredentialSource, { clock, log, userAgent, as }: Parts): Promise<UserConnection> {
  const credentials = await loadCredentials(source, clock);
  const headers = { 'User-Agent': userAgent, ...(as && impersonationHeaders(as)) };
  return {
    client: createClient({ credentials, clock, log, headers }),
    server: credentials.server,
    namespace: credentials.namespace,
    close: () => credentials.close(),
  };
}
