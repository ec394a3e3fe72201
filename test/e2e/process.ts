/** Child processes: run to their end, or kept running while their output is watched. Each has an end in time. */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Record<string, string>;
  /** Milliseconds after which it is killed. */
  readonly timeout?: number;
}

export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeout ?? 120_000,
    killSignal: 'SIGKILL',
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** A process that runs on, and all that it has written so far. */
export class Running {
  readonly child: ChildProcess;
  readonly #name: string;
  #stdout = '';
  #stderr = '';

  constructor(program: string, args: readonly string[], options: SpawnOptions = {}) {
    this.#name = [program, ...args].join(' ');
    this.child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.on('error', (error) => (this.#stderr += String(error)));
    this.child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  get stdout(): string {
    return this.#stdout;
  }
  get stderr(): string {
    return this.#stderr;
  }
  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }

  /** What `pattern` finds in standard output, once it does. Rejects with all output when the process ends before, or time is up. */
  async waitFor(pattern: RegExp, timeout = 60_000): Promise<RegExpExecArray> {
    const end = Date.now() + timeout;
    for (;;) {
      const found = pattern.exec(this.#stdout);
      if (found) return found;
      if (this.ended || Date.now() > end) throw new Error(`${this.#name}: no ${pattern} in its output\n${this.output()}`);
      await sleep(20);
    }
  }

  output(): string {
    return `exit code ${this.child.exitCode}\n--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`;
  }

  /** Sends the signal and answers the exit code; kills it where that takes too long. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeout = 30_000): Promise<number | null> {
    if (!this.ended) {
      const closed = once(this.child, 'exit');
      this.child.kill(signal);
      const late = setTimeout(() => this.child.kill('SIGKILL'), timeout);
      await closed;
      clearTimeout(late);
    }
    return this.child.exitCode;
  }
}

/** Calls `look` until it answers something true, and answers that; rejects with what it threw last. */
export async function eventually<T>(look: () => Promise<T>, timeout = 30_000, every = 100): Promise<NonNullable<T>> {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      const seen = await look();
      if (seen) return seen;
      if (Date.now() > end) throw new Error(`not within ${timeout / 1000} s: ${look.toString()}`);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await sleep(every);
  }
}
