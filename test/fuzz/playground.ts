/** A playground to send cases to: its owner, and somebody whom its authority knows and who may see no object. */
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { issue } from '../auth/pki.ts';
import { direct } from '../e2e/https.ts';
import { Running } from '../e2e/process.ts';
import type { Target } from './run.ts';
import { canary, foreign } from './vocabulary.ts';
import type { Address } from './wire.ts';

const repository = resolve(import.meta.dirname, '../..');
const node = join(repository, 'node_modules/.bin/node');

export class Playground {
  readonly process: Running;
  readonly #folder: string;

  private constructor(folder: string, nodeFlags: readonly string[]) {
    this.#folder = folder;
    const flags = [
      ...nodeFlags,
      '--max-http-header-size=1048576',
      '--max-semi-space-size=16',
      'src/main.ts',
      '--data',
      folder,
      '--port',
      '0',
    ];
    this.process = new Running(node, flags, { cwd: repository });
  }

  static async start(nodeFlags: readonly string[] = []): Promise<Playground & Target & { readonly kubeconfig: string }> {
    const playground = new Playground(await mkdtemp(join(tmpdir(), 'kylon-fuzz-')), nodeFlags);
    const [, kubeconfig = ''] = await playground.process.waitFor(/^export KUBECONFIG=(\S+)$/m);
    const addresses = playground.#addresses(kubeconfig);
    const target: Target = { addresses, maySee: () => false, prepare: (namespace) => prepare(addresses.owner, namespace) };
    return Object.assign(playground, target, { kubeconfig });
  }

  async stop(): Promise<number | null> {
    const code = await this.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    return code;
  }

  #addresses(kubeconfig: string): Target['addresses'] {
    const pki = (name: string) => readFileSync(join(this.#folder, 'pki', name), 'utf8');
    const port = Number(/https:\/\/[^:]+:(\d+)/.exec(readFileSync(kubeconfig, 'utf8'))?.[1]);
    const ca = pki('ca.crt');
    return {
      owner: { port, ca, cert: pki('client.crt'), key: pki('client.key') },
      limited: { port, ca, ...issue({ cert: ca, key: pki('ca.key') }, { cn: 'limited' }) },
    };
  }
}

interface Made {
  /** Of the collection, with the place of the namespace left open. */
  readonly in: readonly [root: string, plural: string];
  readonly names: readonly string[];
  readonly rest?: object;
}

const group = '/apis/backup.kylon.io/v1alpha1';
const made: readonly Made[] = [
  { in: ['/api/v1', 'configmaps'], names: ['a', 'b'] },
  { in: ['/api/v1', 'secrets'], names: ['a'] },
  {
    in: ['/apis/apps/v1', 'deployments'],
    names: ['a'],
    rest: { spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } } } } },
  },
  { in: [group, 'backups'], names: ['a', 'good'], rest: { spec: { includedResources: ['configmaps'] } } },
  { in: [group, 'restores'], names: ['a'], rest: { spec: { backupName: 'good', dryRun: true } } },
];

async function prepare(owner: Address, ground: string): Promise<void> {
  for (const namespace of [foreign, ground]) {
    await create(owner, '/api/v1/namespaces', { metadata: { name: namespace } });
    const annotations = { said: namespace === foreign ? canary : 'nothing' };
    for (const {
      in: [root, plural],
      names,
      rest,
    } of made)
      for (const name of names)
        await create(owner, `${root}/namespaces/${namespace}/${plural}`, { metadata: { name, annotations }, ...rest });
  }
}

/** What is there already stays as it is. */
async function create(owner: Address, path: string, object: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await direct({ ...owner, path, method: 'POST', headers, body: JSON.stringify(object) });
  if (status !== 201 && status !== 409) throw new Error(`${path}: ${status} ${text}`);
}
