/** Repositories of a store, as movers reach them: served by a process of its own, and restic before it. */
import { execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = process.env['RESTIC'] ?? 'restic';

/** How restic reaches a repository. */
export interface Way {
  readonly repository: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

/** Whether it is there to be run. */
export const hasRestic = () =>
  run(program, ['version']).then(
    () => true,
    () => false,
  );

/** What it prints. `env` adds to what the way needs. */
export async function restic({ repository, env, flags }: Way, args: readonly string[], more: { cwd?: string; env?: object } = {}) {
  const { stdout } = await run(program, ['-r', repository, ...flags, ...args], {
    ...more,
    env: { ...process.env, ...env, ...more.env },
  });
  return stdout;
}

/** Of the store of a URL; certificates are made in the folder. */
export function serveRepositories(store: string, folder: string) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./repositories-child.ts')), store, join(folder, 'pki')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    way: async (namespace: string): Promise<Way> => {
      child.stdin.write(`${namespace}\n`);
      const found = JSON.parse(String((await lines.next()).value)) as Record<
        'path' | 'username' | 'password' | 'repositoryPassword' | 'ca' | 'port',
        string
      >;
      const caFile = join(folder, 'ca.pem');
      await writeFile(caFile, found.ca);
      return {
        repository: `rest:https://localhost:${found.port}/${found.path}`,
        env: { RESTIC_REST_USERNAME: found.username, RESTIC_REST_PASSWORD: found.password, RESTIC_PASSWORD: found.repositoryPassword },
        flags: ['--cacert', caFile],
      };
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}
