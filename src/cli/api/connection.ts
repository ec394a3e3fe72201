/** The flags by which a command finds the cluster, as kubectl spells them, and the connection that they mean. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { createLog } from '../../base/log.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { ClusterUser } from '../../cluster/cluster.ts';
import { connectUser } from '../../cluster/user-connection.ts';
import { parseDuration } from '../../resources/durations.ts';
import { completing } from '../completion/sources.ts';
import { UsageError } from '../exits.ts';
import { collect } from '../flag-values.ts';
import type { Shell } from '../shell.ts';
import { apiOf } from './api.ts';
import type { Api } from './api.ts';
import { credentialSource } from './kubeconfig.ts';
import { Unreachable } from './unreachable.ts';

export interface ConnectionFlags {
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
  readonly asUid?: string;
  readonly requestTimeout?: string;
}

export function connectionOptions(): Option[] {
  return [
    completing('namespaces', new Option('-n, --namespace <name>', 'namespace to work in (default: that of the context)')),
    completing('files', new Option('--kubeconfig <file>', 'kubeconfig to use (default: KUBECONFIG, else ~/.kube/config)')),
    new Option('--context <name>', 'context of the kubeconfig to use'),
    new Option('--as <user>', 'user to impersonate'),
    new Option('--as-group <group>', 'group to impersonate, may be given several times').argParser(collect),
    new Option('--as-uid <uid>', 'uid to impersonate'),
    new Option('--request-timeout <duration>', 'how long to wait for the answer to one request, as 30s (default: 60s)'),
  ];
}

/** Adds the flags to a command, under a heading of their own. */
export function withConnection(command: Command): Command {
  for (const option of connectionOptions()) command.addOption(option.helpGroup('Connection:'));
  return command;
}

/** Runs `work` with the API that the flags mean, and closes the connection after it. */
export async function connected<T>(shell: Shell, flags: ConnectionFlags, work: (api: Api) => Promise<T>): Promise<T> {
  const connection = await connect(shell, flags);
  const warn = (text: string) => shell.tell(`Warning: ${text}`);
  const namespace = flags.namespace || connection.namespace || 'default';
  try {
    return await work(apiOf(connection, { namespace, timeoutMs: timeoutOf(flags), warn }));
  } finally {
    connection.close();
  }
}

async function connect({ clock, env }: Shell, flags: ConnectionFlags) {
  try {
    const as = userOf(flags);
    return await connectUser(credentialSource(flags, env), { clock, log: createLog('silent'), userAgent: 'kubectl-kylon', as });
  } catch (error) {
    if (error instanceof ClusterError) throw new Unreachable(`error: ${error.message}`, error);
    throw error;
  }
}

function userOf({ as, asGroup = [], asUid }: ConnectionFlags): ClusterUser | undefined {
  if (as) return { name: as, groups: asGroup, extra: {}, ...(asUid && { uid: asUid }) };
  if (asGroup.length > 0 || asUid) throw new UsageError('--as-group and --as-uid need --as');
  return undefined;
}

/** `0` is kubectl's word for as long as it takes, which a day is. */
function timeoutOf({ requestTimeout }: ConnectionFlags): number | undefined {
  if (requestTimeout === undefined) return undefined;
  if (requestTimeout === '0') return 86_400_000;
  const ms = /^\d+$/.test(requestTimeout) ? Number(requestTimeout) * 1000 : parseDuration(requestTimeout);
  if (!ms) throw new UsageError(`--request-timeout: "${requestTimeout}" is not a duration such as 30s or 1m`);
  return ms;
}
