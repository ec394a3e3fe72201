/** The place of all benchmarks: the cluster of KUBECONFIG, and Kylon beside it as a process of its own with a new data folder. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { createMetrics } from '../src/base/metrics.ts';
import { openStore } from '../src/objectstore/open.ts';
import { Client } from './load.ts';
import type { Target } from './load.ts';
import { anonymousOf } from './own-process.ts';

const repository = resolve(import.meta.dirname, '..');
const apiService = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.backup.kylon.io';

export interface Rig {
  /** Through kube-apiserver. */
  readonly cluster: Client;
  /** Straight to Kylon. */
  readonly kylon: Client;
  readonly memory: Memory;
  /** Its URL. */
  readonly store: string;
  close(): Promise<void>;
}

export interface RigOptions {
  /** Kept at once by each client. */
  readonly connections?: number;
  /** Whether KYLON_BENCH_S3, where it is set, names the bucket that the store lies in. */
  readonly mayUseS3?: boolean;
  /** Fills the store before Kylon opens it. */
  readonly prepare?: (data: Folder, cluster: Client) => Promise<void>;
}

export async function startRig(kubeconfig: string, { connections = 64, mayUseS3 = false, prepare }: RigOptions): Promise<Rig> {
  const target = await targetOf(kubeconfig);
  const cluster = new Client(target, connections);
  const data = mkdtempSync(join(tmpdir(), 'kylon-bench-'));
  const s3 = mayUseS3 ? placeOnS3() : undefined;
  const store = s3 ?? `file://${data}/store`;
  const remove = async () => {
    rmSync(data, { recursive: true, force: true });
    if (s3) await emptyStore(s3);
  };
  try {
    await prepare?.({ data, store }, cluster);
    const process = await startKylon(kubeconfig, data, store);
    const { spec } = await cluster.json<{ spec: { service: { port: number } } }>('GET', apiService);
    const direct = { ...target, url: `https://localhost:${spec.service.port}`, tls: { ...target.tls, rejectUnauthorized: false } };
    const kylon = new Client(direct, connections);
    const memory = new Memory(process.pid ?? 0);
    const close = async () => {
      memory.stop();
      await end(process);
      await Promise.all([cluster.close(), kylon.close()]);
      await remove();
    };
    return { cluster, kylon, memory, store, close };
  } catch (error) {
    await cluster.close();
    await remove();
    throw error;
  }
}

export interface Folder {
  readonly data: string;
  readonly store: string;
}

/** A place of its own in the bucket of KYLON_BENCH_S3; undefined where that is not set. */
function placeOnS3(): string | undefined {
  const { KYLON_BENCH_S3: bucket } = process.env;
  if (bucket === undefined) return undefined;
  const url = new URL(bucket);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/bench-${randomIds.hex(4)}`;
  return url.href;
}

/** Deletes all that lies below it. */
export async function emptyStore(url: string): Promise<void> {
  const signal = AbortSignal.any([]);
  const parts = { clock: systemClock, ids: randomIds, log: createLog('warn'), env: process.env, metrics: createMetrics() };
  const { store } = await openStore(url, parts, signal);
  for await (const { key } of store.list('', signal)) await store.delete(key, signal);
  await store.close();
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

  /** The peak is sought anew. */
  forget(): void {
    this.#peak = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(): number {
    const bytes = anonymousOf(this.#pid) * 1024 * 1024;
    this.#peak = Math.max(this.#peak, bytes);
    return bytes;
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

/** As manifests/deployment.yaml has them. */
const memorySettings = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' };

async function startKylon(kubeconfig: string, data: string, store: string): Promise<ChildProcess> {
  const node = join(repository, 'node_modules/.bin/node');
  const args = [
    '--max-http-header-size=1048576',
    '--max-semi-space-size=16',
    'src/main.ts',
    '--data',
    data,
    '--store',
    store,
    '--port',
    '0',
    '--kubeconfig',
    kubeconfig,
  ];
  const child = spawn(node, args, { cwd: repository, env: { ...process.env, ...memorySettings }, stdio: ['ignore', 'pipe', 'pipe'] });
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
