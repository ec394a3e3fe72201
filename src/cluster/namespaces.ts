/** Whether a namespace is there, asked before every create and so remembered for a moment. */
import type { Clock } from '../base/clock.ts';
import type { ApiClient } from './client.ts';
import { ClusterError } from './cluster.ts';

export interface NamespacePhases {
  /** Undefined for a namespace that does not exist. Rejects with ClusterError when nobody can tell. */
  phase(name: string, signal: AbortSignal): Promise<'Active' | 'Terminating' | undefined>;
}

type Phase = 'Active' | 'Terminating' | undefined;

const rememberMs = 1_000;
const mostRemembered = 1_000;
const timeoutMs = 10_000;

export function namespacesOf(client: ApiClient, clock: Clock): NamespacePhases {
  const known = new Map<string, { readonly phase: Phase; readonly until: number }>();
  return {
    async phase(name, signal) {
      const hit = known.get(name);
      if (hit && hit.until > clock.monotonic()) return hit.phase;
      const phase = await askPhase(client, name, signal);
      if (known.size >= mostRemembered) known.clear();
      known.set(name, { phase, until: clock.monotonic() + rememberMs });
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
