/** restic as it is built from its module, against a repository that a server of ours serves. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { openStore } from '../../src/objectstore/open.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { createRepositories } from '../../src/repository/store-repositories.ts';
import { startServer } from '../../src/server/listen.ts';
import type { ServeRepository } from '../../src/server/repositories.ts';
import { authority, issue } from '../auth/pki.ts';
import { repository } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Running, run } from './process.ts';
import type { Result } from './process.ts';

const ca = authority('serving-ca');
const serving = issue(ca, { cn: 'localhost', usage: 'server' });
const signal = AbortSignal.any([]);
const api = () => Promise.reject(new Error('there is no API here'));

export interface ReplicaOptions {
  /** What it needs to open the store. */
  readonly env?: Readonly<Record<string, string>>;
  /** The path of a file with keys, for an encrypted store. */
  readonly encryptionKeys?: string;
  /** What comes between restic and the repositories. */
  readonly wrap?: (serve: ServeRepository) => ServeRepository;
}

/** A replica of ours on the store of `url`, which serves nothing else. */
export async function startReplica(url: string, { env = {}, encryptionKeys, wrap = (serve) => serve }: ReplicaOptions = {}) {
  const parts = { clock: systemClock, ids: randomIds, log: createLog('silent'), metrics: createMetrics(), env: { ...process.env, ...env } };
  const { store } = await openStore(url, { ...parts, encryptionKeys }, signal);
  const { repositories, serve } = createRepositories({ ...parts, storeNamed: () => store, domain: 'domain' });
  const server = await startServer(
    {
      ...serving,
      ...parts,
      host: '127.0.0.1',
      port: 0,
      authenticate: api,
      authorizer: { authorize: api },
      handle: api,
      serveRepository: wrap(serve),
      shutdownDelayMs: 0,
      healthChecks: [],
    },
    signal,
  );
  return {
    port: server.port,
    repositories,
    close: async () => {
      await server.close();
      await store.close();
    },
  };
}

export class Restic {
  readonly #program: string;
  readonly #caFile: string;
  readonly #cache: string;

  constructor(program: string) {
    const folder = temporaryFolder();
    this.#program = program;
    this.#caFile = join(folder, 'ca.pem');
    this.#cache = join(folder, 'cache');
    writeFileSync(this.#caFile, ca.cert);
    mkdirSync(this.#cache);
  }

  /** At the replica that listens on `port`. */
  at(port: number, access: Access, args: readonly string[]): Promise<Result> {
    return run(this.#program, this.#flags(port, access, args), { env: this.#env(access) });
  }

  start(port: number, access: Access, args: readonly string[]): Running {
    return new Running(this.#program, this.#flags(port, access, args), { env: { ...process.env, ...this.#env(access) } });
  }

  /**
   * manifests/mover/mover as it runs in its Pod, but for where its files and its volume lie, and for how long a prune waits for others. The
   * volume is `volume` in the folder, or `device`. What lies in its `bin` is run instead of what is installed. `by` starts it, where it is not to run as we do.
   */
  mover(
    port: number,
    access: Access,
    args: readonly string[],
    folder = temporaryFolder(),
    by: readonly string[] = ['/usr/bin/env'],
  ): Promise<Result> {
    const script = readFileSync(join(repository, 'manifests/mover/mover'), 'utf8')
      // But for the name that a device has in its snapshot.
      .replaceAll(/(?<=[= (#])(?<!"\$snapshot" )\/(?=access|tmp|volume)/g, `${folder}/`)
      .replaceAll('/dev/volume', `${folder}/device`);
    const files = {
      mover: script.replaceAll('=5m', '=2s'),
      'access/repository': `rest:https://localhost:${port}/${access.path}`,
      'access/username': access.username,
      'access/password': access.password,
      'access/repository-password': access.repositoryPassword,
      'access/ca.crt': ca.cert,
    };
    for (const name of ['access', 'tmp', 'volume', 'bin']) mkdirSync(join(folder, name), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    rmSync(join(folder, 'bin/restic'), { force: true });
    symlinkSync(this.#program, join(folder, 'bin/restic'));
    const [program = '', ...before] = by;
    return run(program, [...before, '/bin/sh', join(folder, 'mover'), ...args], {
      env: { PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter) },
    });
  }

  /** In a folder of files, without any server. */
  onFiles(folder: string, repositoryPassword: string, args: readonly string[]): Promise<Result> {
    return run(this.#program, ['-r', folder, '--no-cache', ...args], { env: { RESTIC_PASSWORD: repositoryPassword } });
  }

  #flags(port: number, { path }: Access, args: readonly string[]): string[] {
    return ['-r', `rest:https://localhost:${port}/${path}`, '--cacert', this.#caFile, ...args];
  }

  #env({ username, password, repositoryPassword }: Access): Record<string, string> {
    return {
      RESTIC_REST_USERNAME: username,
      RESTIC_REST_PASSWORD: password,
      RESTIC_PASSWORD: repositoryPassword,
      RESTIC_CACHE_DIR: this.#cache,
    };
  }
}
