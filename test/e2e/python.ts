/** A Python of our own: the packages that a requirements.txt of test/clients names, in a folder that later runs use again. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { repository } from './cluster.ts';
import { run } from './process.ts';

type Python = { readonly version: string } | { readonly missing: string };

/** Decided once a file, while vitest collects its tests. Where there is none, CI fails, and others skip with the reason. */
export async function findPython(): Promise<Python> {
  const { code, stdout } = await run('python3', ['-c', 'import sys, venv; print(sys.version)']).catch(() => ({ code: null, stdout: '' }));
  if (code === 0) return { version: stdout };
  const missing = 'needs python3 with venv';
  if (process.env['CI'] === 'true') throw new Error(`the tests of Python's clients: ${missing}`);
  return { missing };
}

/** The folder of its programs; `scripts` is that of the requirements. */
export async function preparePython(python: Python, scripts: string): Promise<string> {
  const version = 'version' in python ? python.version : '';
  const requirements = join(scripts, 'requirements.txt');
  const hash = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(repository, 'node_modules/.cache', `python-${hash}`);
  const bin = join(folder, 'bin');
  const whole = join(folder, 'whole');
  if (existsSync(whole)) return bin;
  await must('python3', ['-m', 'venv', '--clear', folder]);
  await must(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]);
  writeFileSync(whole, '');
  return bin;
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const result = await run(program, args, { timeout: 240_000 });
  expect(result.code, result.stderr).toBe(0);
}
