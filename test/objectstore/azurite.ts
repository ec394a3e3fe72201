/** Azurite, the emulator of Azure Blob Storage from npm: a process of its own on a free port, which keeps all in memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { temporaryFolder } from './stores.ts';

/** Those that Azurite knows by itself and documents: they protect nothing. */
export const account = 'devstoreaccount1';
export const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface Azurite {
  /** Of the blob service and the account, without a slash at its end. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * Azurite hangs up on a connection that was idle for five seconds, whatever its flag says. A client that was busy meanwhile would
 * send on such a connection: no test of what a store does.
 */
const neverHangUp = `
  import { Server } from 'node:http';
  Object.defineProperty(Server.prototype, 'keepAliveTimeout', { get: () => 3_600_000, set: () => {} });`;

const require = createRequire(import.meta.url);
const main = require.resolve('azurite/dist/src/blob/main.js');
const flags = [
  '--inMemoryPersistence',
  '--disableTelemetry',
  '--skipApiVersionCheck',
  '--silent',
  '--blobHost',
  '127.0.0.1',
  '--blobPort',
  '0',
];

export async function startAzurite(): Promise<Azurite> {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(neverHangUp)}`, main, ...flags], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit');
  const stop = async () => {
    process.removeListener('exit', kill);
    kill();
    await ended;
    await rm(folder, { recursive: true });
  };
  for await (const line of createInterface(child.stdout)) {
    const [address] = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(/listens on .*/.exec(line)?.[0] ?? '') ?? [];
    if (address !== undefined) return { endpoint: `${address}/${account}`, stop };
  }
  await stop();
  throw new Error('Azurite ended before it listened');
}

export function containerOf({ endpoint }: Azurite, name: string): ContainerClient {
  return new ContainerClient(`${endpoint}/${name}`, new StorageSharedKeyCredential(account, key));
}
