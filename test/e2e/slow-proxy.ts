/** A way between kube-apiserver and Kylon on which every answer takes longer. It sees bytes only, so TLS goes through it untouched. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export class SlowProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number, delayMs: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near: Socket) => {
      const far = connect(target, 'localhost');
      this.#keep(near, far);
      this.#keep(far, near);
      near.pipe(far);
      far.on('data', (bytes: Buffer) => setTimeout(() => near.write(bytes), delayMs));
      far.on('end', () => setTimeout(() => near.end(), delayMs));
    });
  }

  /** Before what listens on that port of this machine. */
  static async start(target: number, delayMs: number): Promise<SlowProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return new SlowProxy(server, target, delayMs);
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
