/** `kubectl proxy`, for requests that kubectl itself does not make: any method, header and body, with the identity of a kubeconfig. */
import { request } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Kubectl } from './kubectl.ts';
import type { Running } from './process.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Buffer;
}

export class Proxy {
  readonly address: string;
  readonly #process: Running;

  private constructor(address: string, process: Running) {
    this.address = address;
    this.#process = process;
  }

  static async start(kubectl: Kubectl): Promise<Proxy> {
    const process = kubectl.start('proxy', '--port=0', '--disable-filter=true');
    const [, address = ''] = await process.waitFor(/Starting to serve on (\S+)/);
    return new Proxy(`http://${address}`, process);
  }

  async send(
    method: string,
    path: string,
    init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
  ): Promise<Reply> {
    const response = await fetch(this.address + path, { method, redirect: 'manual', ...init });
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes, text: bytes.toString() };
  }

  /** The answer as soon as it begins, as it came; a header with several values is sent that often. */
  open(path: string, headers: OutgoingHttpHeaders = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      request(this.address + path, { headers, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
