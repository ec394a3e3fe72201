/** What may stand between kube-apiserver and Kylon, on this machine: what carries connections on, and what ends TLS. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, request } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll } from 'vitest';
import type { Pair } from '../auth/pki.ts';

/** A test that failed may have left some behind. */
const open: (() => void)[] = [];
afterAll(() => open.splice(0).forEach((close) => close()));

/** Carries each connection to the next one of its targets, as a Service does to its endpoints. */
export class Balancer {
  /** Ports on this machine; a change counts for connections from then on. */
  targets: readonly number[];
  readonly port: number;
  #next = 0;

  private constructor(server: Server, targets: readonly number[]) {
    this.targets = targets;
    this.port = portOf(server);
    server.on('connection', (client: Socket) => this.#carry(client));
  }

  /** `host`: where it is reached. */
  static async start(targets: readonly number[] = [], host = 'localhost'): Promise<Balancer> {
    return new Balancer(await listening(createTcpServer({ noDelay: true }), host), targets);
  }

  #carry(client: Socket): void {
    const target = this.targets[this.#next++ % this.targets.length];
    if (target === undefined) return void client.destroy();
    const server = connect({ host: 'localhost', port: target, noDelay: true });
    client.on('error', () => server.destroy()).on('close', () => server.destroy());
    server.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(server).pipe(client);
  }
}

/** A server of TLS that answers as the test says; its port. */
export async function answering(serving: Pair, answer: RequestListener): Promise<number> {
  return portOf(await listening(createServer(serving, answer)));
}

/** Ends TLS, and asks the port behind it anew, with this certificate or none; its port. */
export function endingTls(serving: Pair, behind: () => number, client: Partial<Pair> = {}): Promise<number> {
  return answering(serving, ({ method, url, headers }, response) => {
    const to = { host: 'localhost', port: behind(), path: url, method, headers, rejectUnauthorized: false, agent: false, ...client };
    const onward = request(to, (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)));
    onward.on('error', () => response.destroy());
    onward.end();
  });
}

async function listening<S extends Server>(server: S, host = 'localhost'): Promise<S> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  open.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
