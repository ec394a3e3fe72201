/** kubectl against one kubeconfig. Every program of that name on this machine takes part where all of them matter. */
import { readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { Running, run } from './process.ts';
import type { Result } from './process.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

/** Discovery is kept here and not in the home of whoever runs the tests. */
const cache = temporaryFolder();

export class Kubectl {
  readonly #program: string;
  readonly #kubeconfig: string;
  readonly #flags: readonly string[];

  constructor(kubeconfig: string, program = process.env['KUBECTL'] ?? 'kubectl', flags: readonly string[] = []) {
    this.#program = program;
    this.#kubeconfig = kubeconfig;
    this.#flags = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${cache}`, ...flags];
  }

  /** The same cluster, asked as somebody else, by impersonation. */
  as(user: string, ...groups: readonly string[]): Kubectl {
    return new Kubectl(this.#kubeconfig, this.#program, [
      `--as=${user}`,
      ...['system:authenticated', ...groups].map((group) => `--as-group=${group}`),
    ]);
  }

  /** Whatever comes of it. */
  try(args: readonly string[], input?: string | object | readonly object[]): Promise<Result> {
    const text = input === undefined ? undefined : typeof input === 'string' ? input : documents(input);
    return run(this.#program, [...this.#flags, ...args], text === undefined ? {} : { input: text });
  }

  /** Its standard output; rejects where it fails. `input` is given to its standard input, objects as JSON. */
  async run(args: readonly string[], input?: string | object | readonly object[]): Promise<string> {
    const result = await this.try(args, input);
    if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${result.code}\n${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  /** Its standard error; rejects where it does not fail. */
  async fails(args: readonly string[], input?: string | object | readonly object[]): Promise<string> {
    const result = await this.try(args, input);
    if (result.code === 0) throw new Error(`kubectl ${args.join(' ')} should fail, but printed\n${result.stdout}${result.stderr}`);
    return result.stderr;
  }

  async get<T = KubeObject>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.run(['get', ...args, '-o', 'json'])) as T;
  }

  async list(...args: readonly string[]): Promise<KubeObject[]> {
    return (await this.get<{ items: KubeObject[] }>(...args)).items;
  }

  /** Runs on until it is stopped. */
  start(...args: readonly string[]): Running {
    return new Running(this.#program, [...this.#flags, ...args]);
  }
}

/** Every kubectl on this machine, one of each minor version: those of the PATH, beside it, and of the cluster. */
export async function everyKubectl(kubeconfig: string): Promise<{ program: string; version: string }[]> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const beside = programsIn(folders)
    .filter(({ name }) => name === 'kubectl')
    .map(({ path }) => dirname(realpathSync(path)));
  const ofCluster = subfolders(resolve(dirname(kubeconfig), '../../bin'));
  const found = new Map<string, string>();
  for (const { path } of programsIn([...new Set([...folders, ...beside, ...ofCluster])])) {
    const { code, stdout } = await run(path, ['version', '--client', '-o', 'json']);
    if (code !== 0) continue;
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { minor: string } };
    const version = `1.${parseInt(clientVersion.minor, 10)}`;
    if (!found.has(version)) found.set(version, path);
  }
  return [...found].map(([version, program]) => ({ version, program })).toSorted((a, b) => a.version.localeCompare(b.version));
}

/** As JSON, not YAML: kubectl takes an unquoted key such as n for a boolean. */
const documents = (input: object | readonly object[]) =>
  (Array.isArray(input) ? input : [input]).map((one) => JSON.stringify(one)).join('\n');

function programsIn(folders: readonly string[]): { name: string; path: string }[] {
  return folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => /^kubectl(\.1\.[0-9]+)?$/.test(name))
      .map((name) => ({ name, path: join(folder, name) })),
  );
}

const subfolders = (folder: string) => namesIn(folder).map((name) => join(folder, name));

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
