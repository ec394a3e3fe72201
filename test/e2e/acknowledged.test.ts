/** The promise that an acknowledged write is never lost: two processes on one store, killed again and again under writers. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from './folder.ts';
import { Kylon } from './kylon.ts';
import { storesForKylon } from './stores.ts';

const writers = 8;
const kills = 6;
const path = '/api/v1/namespaces/default/configmaps';

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

interface Reply {
  readonly name: string;
  /** 0 where no answer came. */
  readonly status: number;
  readonly resourceVersion: number;
}

describe.each(storesForKylon())('on $name', ({ url, env }) => {
  it(`loses nothing and gives no number twice while processes are killed ${kills} times`, async () => {
    const store = url();
    const replicas = await Promise.all(['a', 'b'].map((name) => Replica.start(name, store, env)));
    const replies = await writeWhile(replicas, async () => {
      for (let kill = 0; kill < kills; kill++) {
        await sleep(700);
        await replicas[kill % 2]?.restart();
      }
      await sleep(700);
    });
    const fresh = await Replica.start('c', store, env);
    const kept = await fresh.list();
    for (const replica of replicas) expect(await replica.list()).toEqual(kept);
    checkReplies(replies, kept);
    await Promise.all([fresh, ...replicas].map((replica) => replica.stop()));
  });
});

function checkReplies(replies: readonly Reply[], kept: ReadonlyMap<string, number>): void {
  const acknowledged = replies.filter(({ status }) => status === 201);
  const refused = replies.filter(({ status }) => status === 503);
  const others = new Set(replies.map(({ status }) => status).filter((status) => ![0, 201, 503, 504].includes(status)));
  const lost = acknowledged.filter(({ name, resourceVersion }) => kept.get(name) !== resourceVersion);
  expect(others).toEqual(new Set());
  expect(lost).toEqual([]);
  expect(refused.filter(({ name }) => kept.has(name))).toEqual([]);
  expect(new Set(kept.values()).size).toBe(kept.size);
  // Else it would prove nothing.
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(replies.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
}

async function writeWhile(replicas: readonly Replica[], work: () => Promise<void>): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  const state = { done: false };
  const writing = Array.from({ length: writers }, async (_, writer) => {
    for (let n = 0; !state.done; n++) {
      const reply = await replicas[(writer + n) % 2]?.create(`w${writer}-${n}`);
      if (reply) replies.push(reply);
      if (reply?.status !== 201) await sleep(20);
    }
  });
  await work();
  state.done = true;
  await Promise.all(writing);
  return replies;
}

/** A playground that can be killed and comes back with what its folder holds. */
class Replica {
  readonly #name: string;
  readonly #store: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #data = temporaryFolder();
  #kylon: Kylon | undefined;
  #agent = new Agent();
  #server = '';

  private constructor(name: string, store: string, env: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#store = store;
    this.#env = env;
  }

  static async start(name: string, store: string, env: Readonly<Record<string, string>>): Promise<Replica> {
    const replica = new Replica(name, store, env);
    await replica.#start();
    return replica;
  }

  async restart(): Promise<void> {
    await this.#kylon?.discard();
    this.#agent.destroy();
    await this.#start();
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#kylon?.stop();
  }

  async create(name: string): Promise<Reply> {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { by: this.#name } };
    const { status, text } = await this.#send('POST', path, JSON.stringify(body)).catch(() => ({ status: 0, text: '' }));
    const resourceVersion = status === 201 ? Number((JSON.parse(text) as ConfigMap).metadata.resourceVersion) : 0;
    return { name, status, resourceVersion };
  }

  async list(): Promise<ReadonlyMap<string, number>> {
    const { status, text } = await this.#send('GET', path);
    expect(status, text).toBe(200);
    const { items } = JSON.parse(text) as { items: readonly ConfigMap[] };
    return new Map(items.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]));
  }

  async #start(): Promise<void> {
    const flags = ['--store', this.#store, '--replica', this.#name];
    const kylon = await Kylon.playground({ data: this.#data, flags, env: this.#env });
    this.#kylon = kylon;
    const config = parse(readFileSync(join(kylon.kubeconfig), 'utf8')) as Kubeconfig;
    const [cluster] = config.clusters;
    const [user] = config.users;
    const decoded = (text = '') => Buffer.from(text, 'base64');
    this.#server = cluster?.cluster.server ?? '';
    this.#agent = new Agent({
      keepAlive: true,
      ca: decoded(cluster?.cluster['certificate-authority-data']),
      cert: decoded(user?.user['client-certificate-data']),
      key: decoded(user?.user['client-key-data']),
    });
  }

  #send(method: string, target: string, body?: string): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const sent = request(this.#server + target, { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string };
  }[];
}
