/** A playground that can be killed and comes back with what its folder holds; several of them may share a store. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import { temporaryFolder } from './folder.ts';
import { Kylon } from './kylon.ts';
import type { Running } from './process.ts';

type Credentials = Partial<Readonly<Record<'ca' | 'cert' | 'key', Buffer>>>;

export class Replica {
  readonly name: string;
  readonly #store: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #data = temporaryFolder();
  #kylon: Kylon | undefined;
  #credentials: Credentials = {};
  #agent = new Agent();
  #server = '';

  private constructor(name: string, store: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#store = store;
    this.#env = env;
  }

  static async start(name: string, store: string, env: Readonly<Record<string, string>> = {}): Promise<Replica> {
    const replica = new Replica(name, store, env);
    await replica.#start();
    return replica;
  }

  get server(): string {
    return this.#server;
  }
  get process(): Running | undefined {
    return this.#kylon?.process;
  }
  /** For connections of its user that others make. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  /** Kills it, as a loss of power would, and starts it anew. */
  async restart(): Promise<void> {
    await this.#kylon?.discard();
    this.#agent.destroy();
    await this.#start();
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#kylon?.stop();
  }

  /** Rejects where no answer comes. */
  send(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const sent = request(this.#server + path, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });
  }

  async #start(): Promise<void> {
    const flags = ['--store', this.#store, '--replica', this.name];
    const kylon = await Kylon.playground({ data: this.#data, flags, env: this.#env });
    this.#kylon = kylon;
    const config = parse(readFileSync(kylon.kubeconfig, 'utf8')) as Kubeconfig;
    const [cluster] = config.clusters;
    const [user] = config.users;
    const decoded = (text = '') => Buffer.from(text, 'base64');
    this.#server = cluster?.cluster.server ?? '';
    this.#credentials = {
      ca: decoded(cluster?.cluster['certificate-authority-data']),
      cert: decoded(user?.user['client-certificate-data']),
      key: decoded(user?.user['client-key-data']),
    };
    this.#agent = new Agent({ keepAlive: true, ...this.#credentials });
  }
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}
