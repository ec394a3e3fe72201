/**
 * Kylon as the pods of the manifests run it, without a node: with the rights of their ServiceAccount, whose token lies where a pod finds
 * it, in a mount namespace of its own. Needs root.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Pair } from '../auth/pki.ts';
import { repository } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import type { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';

export const systemNamespace = 'kylon-system';
const manifests = ['namespace', 'service-account', 'server-rights'].map((name) => resolve(repository, `manifests/${name}.yaml`));

/** What `Kylon.inPod` needs beside flags: where the ServiceAccount lies, and where the API server is. */
export interface PodPlace {
  readonly within: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the namespace, the ServiceAccount and its rights as the manifests say. */
export async function podPlace(kubectl: Kubectl, kubeconfig: string): Promise<PodPlace> {
  for (const file of manifests) await kubectl.run(['apply', '--server-side', '-f', file]);
  const { cluster } = (parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig).clusters[0] ?? {};
  const { server = '', 'certificate-authority-data': ca = '' } = cluster ?? {};
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'token'), await kubectl.run(['create', 'token', 'kylon', '-n', systemNamespace, '--duration=1h']));
  writeFileSync(join(folder, 'ca.crt'), Buffer.from(ca, 'base64'));
  writeFileSync(join(folder, 'namespace'), systemNamespace);
  const { hostname, port } = new URL(server);
  return {
    within: ['unshare', '--mount', 'sh', '-c', mount, 'sh', folder],
    env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
  };
}

export async function removePodPlace(kubectl: Kubectl): Promise<void> {
  await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
  for (const file of manifests.toReversed()) await kubectl.run(['delete', '--ignore-not-found', '-f', file]);
}

/** All that a replica is started with; the same folder again is the same replica, started anew. */
export class Replica {
  readonly #place: PodPlace;
  readonly #name: string;
  readonly #flags: readonly string[];
  readonly #data = temporaryFolder();
  #kylon: (Kylon & { readonly port: number }) | undefined;

  /** `flags` name the store and the serving certificate. */
  constructor(place: PodPlace, name: string, flags: readonly string[]) {
    this.#place = place;
    this.#name = name;
    this.#flags = [`--service=${systemNamespace}/kylon`, `--replica=${name}`, ...flags];
  }

  get port(): number {
    return this.kylon.port;
  }

  get kylon(): Kylon & { readonly port: number } {
    if (!this.#kylon) throw new Error(`${this.#name} is not up`);
    return this.#kylon;
  }

  async start(): Promise<void> {
    this.#kylon = await Kylon.inPod({ ...this.#place, data: this.#data, flags: this.#flags });
  }
}

/** Flags for a serving certificate that lies in files. */
export class CertificateFiles {
  readonly folder = temporaryFolder();

  constructor(pair: Pair) {
    mkdirSync(this.folder, { recursive: true });
    this.write(pair);
  }

  /** Has the authority lie beside them; resolves to the flag that says so. */
  authority({ cert }: Pair): string {
    writeFileSync(join(this.folder, 'ca.crt'), cert);
    return `--tls-ca-file=${join(this.folder, 'ca.crt')}`;
  }

  get flags(): readonly string[] {
    return [`--tls-cert-file=${join(this.folder, 'tls.crt')}`, `--tls-private-key-file=${join(this.folder, 'tls.key')}`];
  }

  write({ cert, key }: Pair): void {
    writeFileSync(join(this.folder, 'tls.crt'), cert);
    writeFileSync(join(this.folder, 'tls.key'), key, { mode: 0o600 });
  }
}

/** Registers what listens on `port` of this machine, as apiservice/ does with a real Service. */
export async function registerPort(kubectl: Kubectl, port: number, caBundle: string): Promise<void> {
  await kubectl.run(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'kylon', namespace: systemNamespace },
        spec: { type: 'ExternalName', externalName: 'localhost' },
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: apiServiceName },
        spec: {
          group: 'backup.kylon.io',
          version: 'v1alpha1',
          groupPriorityMinimum: 1000,
          versionPriority: 15,
          caBundle: btoa(caBundle),
          service: { namespace: systemNamespace, name: 'kylon', port },
        },
      },
    ],
  );
  await kubectl.run(['wait', '--for=condition=Available', '--timeout=60s', `apiservice/${apiServiceName}`]);
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string } }[];
}

/** /var/run is /run. What is mounted there is seen by this process alone. */
const mount = `mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
mount --bind "$1" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"`;
