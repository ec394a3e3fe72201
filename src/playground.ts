/**
 * The playground: Kylon and everyday Kubernetes kinds in one process on loopback. It protects itself: the cluster of its
 * engine is its own server.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createAuthenticator } from './auth/authenticate.ts';
import { mastersOnly } from './auth/masters-only.ts';
import { parseCertificates } from './auth/trust.ts';
import { together } from './base/lifetime.ts';
import { connectCluster } from './cluster/kubernetes.ts';
import { compose } from './compose.ts';
import type { Kylon, Parts, Say } from './compose.ts';
import { prepareDataFolder } from './data-folder.ts';
import { runNamespaceController } from './engine/upkeep/namespaces.ts';
import type { NamespaceReader } from './machinery/api.ts';
import { ApiError } from './machinery/errors.ts';
import type { KubeObject } from './machinery/object.ts';
import { groupVersion } from './machinery/resource.ts';
import type { ResourceDefinition } from './machinery/resource.ts';
import type { Storage } from './machinery/storage.ts';
import { emptyNumber } from './machinery/storage.ts';
import { kylonUser } from './machinery/user.ts';
import { playgroundVersion } from './machinery/description/version.ts';
import { ownStore } from './options.ts';
import type { Options } from './options.ts';
import { tellReadOnly, unlessReadOnly } from './read-only.ts';
import { kylonResources, playgroundResources } from './resources/resources.ts';
import { ensureCertificates } from './server/certificates.ts';
import type { Certificates } from './server/certificates.ts';

/** Of its log in the store. A real cluster's is a uid; a playground is the same one wherever its store is opened. */
const domain = 'playground';
const definitions = [...kylonResources, ...playgroundResources];
const namespaces = definitionOf('v1', 'Namespace');
const manifests = join(import.meta.dirname, '../manifests/examples');

/** Runs until the signal aborts, then ends in good order. Rejects when it cannot start. */
export async function runPlayground(options: Options, parts: Parts, say: Say, signal: AbortSignal): Promise<void> {
  await prepareDataFolder(options.data, parts.ids);
  const certificates = await certificatesFor(options, parts, signal);
  const trust = { clientCAs: parseCertificates(certificates.ca) };
  const kubeconfig = join(options.data, 'kubeconfig');
  const kylon = await compose(
    {
      options,
      domain,
      definitions,
      version: playgroundVersion,
      certificate: certificates.serving,
      ca: certificates.ca,
      authenticate: createAuthenticator({ trust: { current: () => trust }, tokens: undefined, ...parts }),
      authorizer: mastersOnly,
      namespaces: storedNamespaces,
      connect: async (port) => {
        await writeFile(kubeconfig, kubeconfigText(options.host, port, certificates), { mode: 0o600 });
        return connectCluster({ kubeconfig }, parts);
      },
    },
    parts,
    signal,
  );
  try {
    if (kylon.readOnly === undefined) await seed(kylon, signal);
    tellReadOnly(kylon.readOnly, parts, say);
    say(welcome(kubeconfig, options));
    await together(signal, [
      unlessReadOnly(kylon.readOnly, (running) => kylon.engine.run(running)),
      unlessReadOnly(kylon.readOnly, (running) =>
        runNamespaceController({ ...parts, objects: kylon.objects, namespaces, definitions }, running),
      ),
    ]);
  } finally {
    await kylon.close();
  }
}

/** Whoever holds the client certificate owns the playground. */
function certificatesFor({ data, host }: Options, { clock, ids }: Parts, signal: AbortSignal): Promise<Certificates> {
  const client = { commonName: 'playground-admin', organizations: ['system:masters'] };
  const ips = isIP(host) && host !== '127.0.0.1' ? ['127.0.0.1', host] : ['127.0.0.1'];
  return ensureCertificates(join(data, 'pki'), { dnsNames: ['localhost'], ips, client }, clock, ids, signal);
}

/** Namespaces are objects of this very server. */
function storedNamespaces(storage: Storage): NamespaceReader {
  return {
    phase: async (name, signal) => {
      const stored = await storage.get({ resource: 'namespaces', namespace: '', name }, signal);
      if (!stored) return undefined;
      return (JSON.parse(stored.json) as KubeObject).metadata.deletionTimestamp ? 'Terminating' : 'Active';
    },
  };
}

/** Once only: what the user deleted stays deleted. */
async function seed({ objects, storage }: Kylon, signal: AbortSignal): Promise<void> {
  if ((await storage.latest(signal)) > emptyNumber) return;
  const namespaces = ['default', 'kube-system'].map((name): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const documents = parseAllDocuments(await readFile(join(manifests, 'shop.yaml'), 'utf8'));
  for (const object of [...namespaces, ...documents.map((document) => document.toJS() as KubeObject)]) {
    await objects.create(definitionOf(object.apiVersion, object.kind), object, kylonUser, { dryRun: false }, signal).catch(unlessThere);
  }
}

/** Another process may have begun on the same store at the same moment. */
function unlessThere(error: unknown): void {
  if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
}

function definitionOf(apiVersion: string, kind: string): ResourceDefinition {
  const definition = definitions.find((one) => one.kind === kind && groupVersion(one) === apiVersion);
  if (!definition) throw new Error(`the playground has no kind ${kind} of ${apiVersion}`);
  return definition;
}

function kubeconfigText(host: string, port: number, { ca, client }: Certificates): string {
  const base64 = (text = '') => Buffer.from(text).toString('base64');
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'kylon-playground',
      clusters: [{ name: 'kylon-playground', cluster: { server: `https://${host}:${port}`, 'certificate-authority-data': base64(ca) } }],
      users: [
        { name: 'kylon-playground', user: { 'client-certificate-data': base64(client?.cert), 'client-key-data': base64(client?.key) } },
      ],
      contexts: [{ name: 'kylon-playground', context: { cluster: 'kylon-playground', user: 'kylon-playground', namespace: 'shop' } }],
    },
    null,
    2,
  )}\n`;
}

function welcome(kubeconfig: string, { data, store }: Options): string {
  const examples = relative(process.cwd(), manifests) || '.';
  return `Kylon's playground is ready, with a sample application in the namespace shop. In another shell:

export KUBECONFIG=${kubeconfig}

  kubectl get all,configmaps,secrets              what there is to lose
  kubectl create -f ${examples}/backup.yaml       back it up
  kubectl wait --for=condition=Complete backup/before-release
  kubectl get --raw /apis/backup.kylon.io/v1alpha1/namespaces/shop/backups/before-release/items
  kubectl delete namespace shop                   lose it
  kubectl create -f ${examples}/restore.yaml      bring it back
  kubectl wait --for=condition=Complete restore/undo

Ctrl-C ends it; ${whatStays(data, store)}`;
}

/** Of the store, what may be no secret: the part in front of the question mark. */
function whatStays(data: string, store: string): string {
  if (new URL(store).protocol === 'memory:') return 'what was made is gone then.';
  const place = store === ownStore(data) ? data : store.replace(/\?.*/, '');
  return `what was made stays in ${place} for the next start.`;
}
