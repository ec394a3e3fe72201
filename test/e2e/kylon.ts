/** Kylon as its users start it: a process of its own, by flags, known by the line it prints when it is ready. */
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { repository } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { eventually, Running } from './process.ts';

export interface KylonOptions {
  /** A new one where left out. */
  readonly data?: string;
  readonly flags?: readonly string[];
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of an ordinary user, to run as. */
  readonly uid?: number;
  /** What runs node, with its arguments, where that is not the operating system itself. */
  readonly within?: readonly string[];
}

export const apiServiceName = 'v1alpha1.backup.kylon.io';
const node = join(repository, 'node_modules/.bin/node');

/** A test that failed may have left some behind. */
const started: Kylon[] = [];
afterAll(() => Promise.all(started.splice(0).map((kylon) => kylon.discard())));

export class Kylon {
  readonly process: Running;
  readonly data: string;

  private constructor(flags: readonly string[], options: KylonOptions) {
    this.data = options.data ?? temporaryFolder();
    const args = [
      '--max-http-header-size=1048576',
      '--max-semi-space-size=16',
      'src/main.ts',
      '--data',
      this.data,
      '--port',
      '0',
      ...flags,
      ...(options.flags ?? []),
    ];
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KYLON_') && name !== 'KUBECONFIG'));
    const [program, ...before] = [...(options.within ?? []), node];
    this.process = new Running(program, [...before, ...args], {
      cwd: repository,
      env: { ...env, ...options.env },
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    });
    started.push(this);
  }

  /** Starts it and does not wait for anything: for those that should not come up. */
  static launch(options: KylonOptions = {}): Kylon {
    return new Kylon([], options);
  }

  static async playground(options: KylonOptions = {}): Promise<Kylon & { readonly kubeconfig: string }> {
    const kylon = Kylon.launch(options);
    const [, kubeconfig = ''] = await kylon.#ready(/^export KUBECONFIG=(\S+)$/m);
    return Object.assign(kylon, { kubeconfig });
  }

  static async beside(kubeconfig: string, options: KylonOptions = {}): Promise<Kylon> {
    const kylon = new Kylon(['--kubeconfig', kubeconfig], options);
    await kylon.#ready(new RegExp(`^APIService ${apiServiceName.replaceAll('.', '\\.')} is available$`, 'm'));
    // Of one that was killed before, kube-apiserver may still say so while it has taken its kinds out of what it discovers.
    const kubectl = new Kubectl(kubeconfig);
    await eventually(async () => (await kubectl.try(['api-resources', '--api-group=backup.kylon.io', '-o', 'name'])).stdout !== '', 90_000);
    return kylon;
  }

  /** As the pods of the manifests run it: pod.ts says how. The port it serves on comes with it. */
  static async inPod(options: KylonOptions): Promise<Kylon & { readonly port: number }> {
    const kylon = new Kylon(['--in-cluster', '--bind-address', '127.0.0.1'], options);
    const [, port] = await kylon.#ready(/^Kylon serves on port (\d+)$/m);
    return Object.assign(kylon, { port: Number(port) });
  }

  /** Ends it as an operator would, and holds it to a clean exit. */
  async stop(): Promise<void> {
    const code = await this.process.stop();
    expect(code, this.process.output()).toBe(0);
    expect(this.process.output()).not.toMatch(/^\s+at .*\.(ts|js):\d+/m);
  }

  /** Whatever came before, nothing is left of it. */
  async discard(): Promise<void> {
    await this.process.stop('SIGKILL');
  }

  async #ready(line: RegExp): Promise<RegExpExecArray> {
    try {
      return await this.process.waitFor(line);
    } catch (error) {
      await this.discard();
      throw error;
    }
  }
}

/** The port on this machine to which the cluster sends what is for Kylon. */
export async function portOf(kubectl: Kubectl): Promise<number> {
  const { spec } = await kubectl.get('apiservice', apiServiceName);
  return (spec?.['service'] as { port: number } | undefined)?.port ?? 0;
}
