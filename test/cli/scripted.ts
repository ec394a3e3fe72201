/** The commands against an API server that answers as a test says. */
import { scriptedCluster } from '../cluster/api-server.ts';
import type { Received, Script } from '../cluster/api-server.ts';
import { kylon } from './test-shell.ts';

export const base = '/apis/backup.kylon.io/v1alpha1/namespaces/default';

export const backup = (more: object = {}, metadata: object = {}) => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Backup',
  metadata: { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1', ...metadata },
  spec: {},
  status: more,
});

export async function against(script: Script, line: string | readonly string[], options: Parameters<typeof kylon>[1] = {}) {
  await using server = await scriptedCluster(script);
  const said = await kylon(typeof line === 'string' ? line.split(' ') : line, { kubeconfig: server.kubeconfig, ...options });
  return { ...said, received: server.received };
}

export const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
export const isWatch = ({ query }: Received) => query.get('watch') === 'true';
