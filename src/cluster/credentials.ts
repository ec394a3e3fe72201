/** Where the API server is and how to prove who we are to it. */
import { existsSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { delimiter } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import { causeOf } from '../base/system-errors.ts';
import { ClusterError } from './cluster.ts';
import { loadKubeConfig } from './kube-config.ts';

/** The path of a kubeconfig file, those of several as kubectl merges them, or the service account that a pod is given. */
export type CredentialSource = 'in-cluster' | { readonly kubeconfig: string } | KubeconfigFiles;

/** What an earlier file says counts; of those that are missing nothing is said, unless all are. */
interface KubeconfigFiles {
  readonly kubeconfigs: readonly string[];
  /** Default: the current one. */
  readonly context: string | undefined;
}

export interface Credentials {
  readonly server: URL;
  /** That the context chooses, if it does. */
  readonly namespace: string | undefined;
  /** As of now: tokens, certificates and what a plug-in printed may change while we run. */
  current(): Promise<Access>;
  close(): void;
}

interface Access {
  readonly agent: http.Agent;
  readonly headers: http.OutgoingHttpHeaders;
  /** `user:password` of basic authentication. */
  readonly auth: string | undefined;
}

const freshForMs = 10_000;
const maxSockets = 64;
/** Shorter than the 90 s after which kube-apiserver closes an idle connection, so that no request meets a closed one. */
const idleMs = 30_000;

/** Rejects with ClusterError when there is no usable configuration. Loads client-node no sooner than here. */
export async function loadCredentials(source: CredentialSource, clock: Clock): Promise<Credentials> {
  const place = placeOf(source);
  const config = await loadConfig(source, place);
  const server = serverOf(config, place);
  const agents = new Agents(server.protocol);
  let known: { readonly access: Promise<Access>; readonly until: number } | undefined;
  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    current() {
      if (!known || known.until <= clock.monotonic()) known = { access: readAccess(config, agents), until: clock.monotonic() + freshForMs };
      const { access } = known;
      return access.catch((error: unknown) => {
        known = undefined;
        throw new ClusterError(0, '', `cannot get credentials for ${server.origin}: ${messageOf(error)}`, { cause: error });
      });
    },
    close: () => agents.close(),
  };
}

async function loadConfig(source: CredentialSource, place: string): Promise<KubeConfig> {
  const KubeConfig = await loadKubeConfig();
  const config = new KubeConfig();
  if (source === 'in-cluster' && !process.env['KUBERNETES_SERVICE_HOST'])
    throw new ClusterError(0, '', 'this process does not run in a pod: KUBERNETES_SERVICE_HOST is not set');
  try {
    if (source === 'in-cluster') config.loadFromCluster();
    else if ('kubeconfig' in source) config.loadFromFile(source.kubeconfig);
    else await loadFiles(config, source);
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw new ClusterError(0, '', `cannot read ${place}: ${causeOf(error)}`, { cause: error });
  }
  return config;
}

function placeOf(source: CredentialSource): string {
  if (source === 'in-cluster') return 'the service account of this pod';
  return 'kubeconfig' in source ? source.kubeconfig : source.kubeconfigs.join(delimiter);
}

/** client-node's own merge refuses what two files name alike, and a file that is missing. */
async function loadFiles(config: KubeConfig, { kubeconfigs, context }: KubeconfigFiles): Promise<void> {
  const KubeConfig = await loadKubeConfig();
  const there = kubeconfigs.filter((file) => existsSync(file));
  for (const file of there.length > 0 ? there : kubeconfigs.slice(0, 1)) {
    const one = new KubeConfig();
    one.loadFromFile(file);
    const isNew =
      <T extends { name: string }>(known: readonly T[]) =>
      (entry: T) =>
        !known.some(({ name }) => name === entry.name);
    config.clusters.push(...one.clusters.filter(isNew(config.clusters)));
    config.users.push(...one.users.filter(isNew(config.users)));
    config.contexts.push(...one.contexts.filter(isNew(config.contexts)));
    const chosen: string | undefined = config.getCurrentContext();
    if (!chosen) config.setCurrentContext(one.getCurrentContext());
  }
  if (context === undefined) return;
  if (!config.getContextObject(context)) throw new ClusterError(0, '', `context "${context}" does not exist`);
  config.setCurrentContext(context);
}

function serverOf(config: KubeConfig, place: string): URL {
  const server = config.getCurrentCluster()?.server;
  if (!server) throw new ClusterError(0, '', faultOfContext(config, place));
  if (!URL.canParse(server)) throw new ClusterError(0, '', `${place}: "${server}" is not the URL of an API server`);
  return new URL(server);
}

function faultOfContext(config: KubeConfig, place: string): string {
  const context: string | undefined = config.getCurrentContext();
  if (!context) return `${place}: no context of it is chosen: choose one with kubectl config use-context`;
  return `${place}: its current context "${context}" names no cluster that stands in it`;
}

async function readAccess(config: KubeConfig, agents: Agents): Promise<Access> {
  const options: https.RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const throughProxy = config.getCurrentCluster()?.proxyUrl && options.agent instanceof http.Agent ? options.agent : undefined;
  return {
    agent: throughProxy ?? agents.for(options),
    headers: options.headers as http.OutgoingHttpHeaders,
    auth: options.auth ?? undefined,
  };
}

/** Else each request would fail by itself, with no word of where the material came from. */
function checkUsable(material: SecureContextOptions): void {
  try {
    createSecureContext(material);
  } catch (error) {
    throw new Error(`its certificates or its key cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** Keeps one agent, and makes another when the TLS material changed; the idle connections of the old one run out by themselves. */
class Agents {
  readonly #protocol: string;
  #material = '';
  #agent: http.Agent | undefined;

  constructor(protocol: string) {
    this.#protocol = protocol;
  }

  for({ ca, cert, key, passphrase, servername, rejectUnauthorized }: https.RequestOptions): http.Agent {
    const given = Object.entries({ ca, cert, key, passphrase, servername, rejectUnauthorized });
    const tls = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const material = JSON.stringify(tls);
    if (this.#agent && material === this.#material) return this.#agent;
    const pool = { keepAlive: true, maxSockets, timeout: idleMs };
    checkUsable(tls);
    this.#agent = this.#protocol === 'https:' ? new https.Agent({ ...pool, ...tls }) : new http.Agent(pool);
    this.#material = material;
    return this.#agent;
  }

  close(): void {
    this.#agent?.destroy();
  }
}
