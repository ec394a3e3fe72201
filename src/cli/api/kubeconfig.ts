/** Which configuration counts: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { CredentialSource } from '../../cluster/credentials.ts';

interface Given {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** The flag, else KUBECONFIG, else the file in the home folder; where that is missing, what a pod is given. */
export function credentialSource({ kubeconfig, context }: Given, env: Readonly<Record<string, string | undefined>>): CredentialSource {
  if (kubeconfig) return { kubeconfigs: [kubeconfig], context };
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) return { kubeconfigs: named, context };
  const own = join(env['HOME'] ?? homedir(), '.kube', 'config');
  return env['KUBERNETES_SERVICE_HOST'] && !existsSync(own) ? 'in-cluster' : { kubeconfigs: [own], context };
}
