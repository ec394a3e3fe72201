/** Whether a namespace is there, asked before every create. That it is and takes new objects is remembered for a moment; never that it does not. */
import type { Clock } from '../base/clock.ts';
import type { ApiClient } from './client.ts';
import { ClusterError } from './cluster.ts';

export interface NamespacePhases {
  /** Undefined for a namespace that does not exist. Rejects with ClusterError when nobody can tell. */
  phase(name: string, signal: AbortSignal): Promise<'Active' | 'Terminating' | undefined>;
}

type Phase = 'Active' | 'Terminating' | undefined;

/** In milliseconds. */
const rememberMs = 1_000;
const mostRemembered = 1_000;
const timeoutMs = 10_000;

export function namespacesOf(client: ApiClient, clock: Clock): NamespacePhases {
  /** Until when each is taken to be active. */
  const active = new Map<string, number>();
  return {
    async phase(name, signal) {
      if ((active.get(name) ?? 0) > clock.monotonic()) return 'Active';
      const phase = await askPhase(client, name, signal);
      if (active.size >= mostRemembered) active.clear();
      if (phase === 'Active') active.set(name, clock.monotonic() + rememberMs);
      return phase;
    },
  };
}

async function askPhase(client: ApiClient, name: string, signal: AbortSignal): Promise<Phase> {
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
    const { status } = await client.json<{ readonly status?: { readonly phase?: string } }>({ path, timeoutMs }, signal);
    return status?.phase === 'Terminating' ? 'Terminating' : 'Active';
  } catch (error) {
    if (error instanceof ClusterError && error.code === 404) return undefined;
    throw error;
  }
}
