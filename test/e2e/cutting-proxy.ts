/** A way to an API server that breaks: the first connections that carry much back are cut in the middle. It sees bytes only, so TLS goes through it untouched. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, isIP } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { parse, stringify } from 'yaml';
import { temporaryFolder } from './folder.ts';

interface Kubeconfig {
  clusters: { cluster: { server: string; 'tls-server-name'?: string } }[];
}

export class CuttingProxy {
  /** Of the same cluster and user, by this way. */
  readonly kubeconfig: string;
  /** Connections that are still to be cut, each after so many bytes. */
  cuts = 0;
  readonly #after: number;
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, kubeconfig: string, after: number) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const [{ cluster } = { cluster: { server: '' } }] = config.clusters;
    this.#target = new URL(cluster.server);
    this.#after = after;
    this.#server = server;
    if (isIP(this.#target.hostname) === 0) cluster['tls-server-name'] ??= this.#target.hostname;
    cluster.server = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.kubeconfig = join(temporaryFolder(), 'kubeconfig');
    writeFileSync(this.kubeconfig, stringify(config), { mode: 0o600 });
    server.on('connection', (near: Socket) => this.#carry(near));
  }

  static async start(kubeconfig: string, after: number): Promise<CuttingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttingProxy(server, kubeconfig, after);
  }

  #carry(near: Socket): void {
    const far = connect(Number(this.#target.port || 443), this.#target.hostname);
    this.#sockets.add(near).add(far);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    let carried = 0;
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      carried += bytes.length;
      near.write(bytes);
      if (this.cuts === 0 || carried < this.#after) return;
      this.cuts -= 1;
      far.destroy();
      near.destroySoon();
    });
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
