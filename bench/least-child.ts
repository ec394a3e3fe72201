/** A server of the least sort, as a process of its own with a certificate of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { ensureCertificates } from '../src/server/certificates.ts';

export interface LeastChild {
  readonly port: number;
  /** PEM. */
  readonly ca: string;
}

/** `script`, a URL, is told by its first argument which file has key and certificate, and prints its port. It ends with `work`. */
export async function besideChild<T>(
  script: string,
  args: readonly string[],
  dnsNames: readonly string[],
  work: (child: LeastChild) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kylon-bench-least-'));
  const { signal } = new AbortController();
  const { ca, serving } = await ensureCertificates(
    folder,
    { dnsNames: ['localhost', ...dnsNames], ips: [] },
    systemClock,
    randomIds,
    signal,
  );
  const pem = join(folder, 'both.pem');
  writeFileSync(pem, serving.cert + serving.key, { mode: 0o600 });
  const child = spawn(process.execPath, [fileURLToPath(script), pem, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return await work({ port: Number(port), ca });
  } finally {
    child.kill();
    rmSync(folder, { recursive: true });
  }
}
