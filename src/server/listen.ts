/** Starting the server with all its parts, and the way down. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { Server } from 'node:tls';
import { causeOf, codeOf } from '../base/system-errors.ts';
import { AuditLog } from './audit.ts';
import { connectionsOf } from './connections.ts';
import { Drain } from './drain.ts';
import { createHealth } from './health.ts';
import type { HealthCheck } from './health.ts';
import { createHttpsServer, secureContext } from './https.ts';
import type { Certificate, HttpsServer } from './https.ts';
import { createInFlight, usualLimits } from './in-flight.ts';
import type { Limits } from './in-flight.ts';
import { createPipeline } from './pipeline.ts';
import type { Parts } from './pipeline.ts';
import { createRepositoryPipeline, isOfRepository } from './repositories.ts';
import type { ServeRepository } from './repositories.ts';
import { createApp } from './routes.ts';

/** Milliseconds for connections to close by themselves, each after its last answer, on which another request may be arriving. */
const lingering = 500;

export interface ServerOptions
  extends Certificate, Pick<Parts, 'clock' | 'ids' | 'log' | 'metrics' | 'authenticate' | 'authorizer' | 'handle' | 'onRefused'> {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly auditFile?: string | undefined;
  /** Milliseconds for which a server that is to stop goes on serving, while clients are sent elsewhere. */
  readonly shutdownDelayMs: number;
  readonly healthChecks: readonly HealthCheck[];
  readonly serveRepository: ServeRepository;
  /** Milliseconds for requests under way when the server stops; 60 000 where left out. */
  readonly drainMs?: number;
  readonly limits?: Limits;
}

export interface RunningServer {
  readonly port: number;
  /** For connections from now on. Throws where the two do not fit together. */
  setCertificate(certificate: Certificate): void;
  /** Ends everything in good order. Calling it again changes nothing. */
  close(): Promise<void>;
}

/** Rejects when the address cannot be taken or the audit log not be opened. */
export async function startServer(options: ServerOptions, signal: AbortSignal): Promise<RunningServer> {
  const { log, auditFile, drainMs = 60_000, limits = usualLimits } = options;
  const audit = auditFile === undefined ? undefined : await AuditLog.open(auditFile, log, signal);
  const drain = new Drain();
  const health = createHealth(options.healthChecks, () => drain.leaving, log);
  const inFlight = createInFlight(limits);
  const serve = createPipeline({ ...options, health, inFlight, drain, audit });
  const serveRepository = createRepositoryPipeline({ ...options, inFlight, drain });
  const app = createApp((request, response) => (isOfRepository(request) ? serveRepository : serve)(request, response), log);
  const server = createHttpsServer(options, app, log);
  const connections = connectionsOf(server.tls);
  await listen(server.tls, options, signal);
  const close = async () => {
    await stop(server, connections, drain, options, drainMs);
    await audit?.close();
  };
  let closing: Promise<void> | undefined;
  return {
    port: (server.tls.address() as AddressInfo).port,
    setCertificate: (certificate) => server.tls.setSecureContext(secureContext(certificate)),
    close: () => (closing ??= close()),
  };
}

async function listen(server: Server, { host, port, log }: ServerOptions, signal: AbortSignal): Promise<void> {
  const listening = once(server, 'listening', { signal });
  server.listen({ host, port, backlog: 1024 });
  await listening.catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Error(listenFaultOf(error, host, port), { cause: error });
  });
  server.on('error', (error) => log.error('a connection could not be accepted', { error: error.message }));
}

function listenFaultOf(error: unknown, host: string, port: number): string {
  const code = codeOf(error);
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is in use: choose another with --port N, or any free one with --port 0`;
  if (code === 'EACCES') return `port ${port} may not be used by this user: choose one above 1023 with --port N`;
  return `--bind-address: cannot listen on ${host}: ${causeOf(error)}`;
}

async function stop(
  server: HttpsServer,
  connections: ReadonlySet<Socket>,
  drain: Drain,
  { clock, log, shutdownDelayMs }: ServerOptions,
  drainMs: number,
): Promise<void> {
  drain.leaving = true;
  server.leave();
  if (shutdownDelayMs > 0) await clock.sleep(shutdownDelayMs, new AbortController().signal);
  await Promise.race([server.heard(), clock.sleep(lingering, new AbortController().signal)]);
  const closed = server.close();
  const left = await drain.stop(clock, drainMs);
  if (left > 0) log.warn('requests were cut off by the shutdown', { requests: left });
  else await Promise.race([closed, clock.sleep(lingering, new AbortController().signal)]);
  for (const connection of connections) connection.destroy();
  await closed;
}
