/** The place of all benchmarks: the cluster of KUBECONFIG, and Kylon beside it as a process of its own with a new data folder. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { Client } from './load.ts';
import type { Target } from './load.ts';

const repository = resolve(import.meta.dirname, '..');
const apiService = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.backup.kylon.io';

export interface Rig {
  /** Through kube-apiserver. */
  readonly cluster: Client;
  /** Straight to Kylon. */
  readonly kylon: Client;
  readonly memory: Memory;
  close(): Promise<void>;
}

/** `prepare` fills the store before Kylon opens it. */
export async function startRig(
  kubeconfig: string,
  connections: number,
  prepare: (data: Folder, cluster: Client) => Promise<void>,
): Promise<Rig> {
  const target = await targetOf(kubeconfig);
  const cluster = new Client(target, connections);
  const data = mkdtempSync(join(tmpdir(), 'kylon-bench-'));
  const remove = () => rmSync(data, { recursive: true, force: true });
  try {
    await prepare({ data, store: `file://${data}/store` }, cluster);
    const process = await startKylon(kubeconfig, data);
    const { spec } = await cluster.json<{ spec: { service: { port: number } } }>('GET', apiService);
    const direct = { ...target, url: `https://localhost:${spec.service.port}`, tls: { ...target.tls, rejectUnauthorized: false } };
    const kylon = new Client(direct, connections);
    const memory = new Memory(process.pid ?? 0);
    const close = async () => {
      memory.stop();
      await end(process);
      for (const client of [cluster, kylon]) client.close();
      remove();
    };
    return { cluster, kylon, memory, close };
  } catch (error) {
    cluster.close();
    remove();
    throw error;
  }
}

export interface Folder {
  readonly data: string;
  readonly store: string;
}

/** Anonymous memory of a process, in bytes: now, and the most that was seen. Pages of files that it maps are not counted. */
class Memory {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  readonly idle: number;
  #peak = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.idle = this.#read();
    this.#timer = setInterval(() => this.#read(), 50);
  }

  now(): number {
    return this.#read();
  }

  get peak(): number {
    return this.#peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(): number {
    try {
      const [, kib = '0'] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8')) ?? [];
      this.#peak = Math.max(this.#peak, Number(kib) * 1024);
      return Number(kib) * 1024;
    } catch {
      return 0; // it has ended
    }
  }
}

async function targetOf(kubeconfig: string): Promise<Target> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key } = options as { ca?: Buffer; cert?: Buffer; key?: Buffer };
  const token = (options.headers as Record<string, string> | undefined)?.['Authorization'];
  return {
    url: config.getCurrentCluster()?.server ?? '',
    tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    headers: token ? { authorization: token } : {},
  };
}

async function startKylon(kubeconfig: string, data: string): Promise<ChildProcess> {
  const node = join(repository, 'node_modules/.bin/node');
  const args = [
    '--max-http-header-size=1048576',
    '--max-semi-space-size=16',
    'src/main.ts',
    '--data',
    data,
    '--port',
    '0',
    '--kubeconfig',
    kubeconfig,
  ];
  const child = spawn(node, args, { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (const late = Date.now() + 60_000; !/^APIService \S+ is available$/m.test(output); await sleep(20)) {
    if (child.exitCode === null && Date.now() < late) continue;
    await end(child);
    throw new Error(`Kylon did not start:\n${output}`);
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await ended;
  clearTimeout(late);
}
