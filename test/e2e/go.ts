/** The programs of test/clients: built by Go where there is one, and what they check made into tests. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { findCluster, repository } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { run } from './process.ts';
import type { Result } from './process.ts';

const go = process.env['GO'] ?? 'go';

/** The cluster, where there is also a Go that can build for it. Without one, CI fails, and others skip with the reason. */
export function findClusterForGo(): Cluster {
  const cluster = findCluster();
  return 'missing' in cluster ? cluster : (missingGo() ?? cluster);
}

/** Why there is no Go that can build; undefined where there is one. Without, CI fails. */
export function missingGo(): { readonly missing: string } | undefined {
  if (goIsThere()) return undefined;
  const missing = 'needs Go 1.26 or newer';
  if (process.env['CI'] === 'true') throw new Error(`a suite ${missing}`);
  return { missing };
}

function goIsThere(): boolean {
  const { status, stdout } = spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } });
  return status === 0 && Number(/^go1\.(\d+)/.exec(stdout)?.[1]) >= 26;
}

/** How long the programs of one suite may take to build with nothing in Go's cache. */
export const coldBuild = 600_000;

/** As Kubernetes itself is built for the cluster, so that Go's cache serves both. */
const flags = ['-buildvcs=false', '-trimpath', '-ldflags=-s -w'];

/** The path of a program that is built in a folder of test/clients; what has not changed comes from Go's cache. A static one runs in any container. */
export async function buildGo(folder: string, what: { package?: string; modfile?: string; static?: boolean } = {}): Promise<string> {
  const program = join(temporaryFolder(), 'program');
  const place = ['-C', join(repository, 'test/clients', folder), '-o', program];
  const args = ['build', ...place, ...flags, ...(what.modfile ? [`-modfile=${what.modfile}`] : []), what.package ?? '.'];
  const { code, stderr } = await run(go, args, {
    env: { GOTOOLCHAIN: 'local', ...(what.static && { CGO_ENABLED: '0' }) },
    timeout: coldBuild,
  });
  expect(code, `go ${args.join(' ')}\n${stderr}`).toBe(0);
  return program;
}

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** A test for each check that a program makes. It runs once, before the first, and says of each in a line of JSON what came of it. */
export function itChecks(names: readonly string[], start: () => Promise<Result>): void {
  let result: Result;
  let outcomes: readonly Outcome[];

  beforeAll(async () => {
    result = await start();
    const lines = result.stdout.split('\n').filter((line) => line !== '');
    outcomes = lines.map((line) => JSON.parse(line) as Outcome);
  }, coldBuild);

  it.each(names)('%s', (name) => {
    const outcome = outcomes.find((one) => one.name === name);
    expect(outcome?.ok, outcome?.detail ?? `exit code ${result.code}\n${result.stderr}`).toBe(true);
  });

  it('has made these checks and no others, and has ended in order', () => {
    expect(result.code, result.stderr).toBe(0);
    expect(outcomes.map(({ name }) => name)).toEqual(names);
  });
}
