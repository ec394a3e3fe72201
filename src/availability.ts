/**
 * Why kube-apiserver does not pass the API on to us, in words that say what to do. Its own reasons:
 * https://github.com/kubernetes/kube-aggregator/blob/master/pkg/controllers/status/remote/remote_available_controller.go
 */
import { apiServiceName, isSameService, readApiService } from './api-service.ts';
import type { ApiServiceState } from './api-service.ts';
import type { Clock } from './base/clock.ts';
import { messageOf } from './base/lifetime.ts';
import type { Log } from './base/log.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Options } from './options.ts';
import type { Refusal } from './server/refusal.ts';

export interface Circumstances {
  /** The Service by which the cluster is to reach us. */
  readonly service: Options['service'];
  /** What we last said no to when kube-apiserver looked whether we are there. */
  readonly refusal: () => Refusal | undefined;
}

export interface Trouble {
  /** One sentence; the same for as long as the cause is. */
  readonly what: string;
  /** In the words of kube-apiserver; empty where it has none. */
  readonly says: string;
}

/** Undefined when the API is available. */
export function troubleOf(state: ApiServiceState | undefined, circumstances: Circumstances): Trouble | undefined {
  const owner = ownerFault(state, circumstances.service);
  if (owner !== undefined) return { what: owner, says: '' };
  const { status, reason, message } = state?.available ?? { status: '', reason: 'no condition yet', message: '' };
  if (status === 'True') return undefined;
  const cause = causeOf(reason, message, circumstances);
  return { what: `APIService ${apiServiceName} is not available (${reason})${cause && `: ${cause}`}`, says: message };
}

/** Milliseconds between two looks, while all is well and while it is not. */
const calmInterval = 5_000;
const troubledInterval = 1_000;
/** Milliseconds for which the same trouble lasts before it is told: a replica that is replaced is none. */
const patience = 3_000;

/** Writes one line into the log for each trouble that lasts, and one when it is over, until the signal aborts. */
export async function followAvailability(
  cluster: Pick<Cluster, 'get'>,
  circumstances: Circumstances,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  let current: { readonly what: string | undefined; readonly since: number } = { what: undefined, since: clock.monotonic() };
  let told: string | undefined;
  while (!signal.aborted) {
    const look = await lookAt(cluster, circumstances, log, signal);
    if (look && look.trouble?.what !== current.what) current = { what: look.trouble?.what, since: clock.monotonic() };
    const { what, since } = current;
    if (look && what !== told && (what === undefined || clock.monotonic() - since >= patience)) {
      tell(look.trouble, log);
      told = what;
    }
    await clock.sleep(what === undefined ? calmInterval : troubledInterval, signal).catch(() => {});
  }
}

/** Undefined when the cluster cannot be asked: what it thinks of us is then not the first question. */
async function lookAt(cluster: Pick<Cluster, 'get'>, circumstances: Circumstances, log: Log, signal: AbortSignal) {
  try {
    return { trouble: troubleOf(await readApiService(cluster, signal), circumstances) };
  } catch (error) {
    if (!signal.aborted) log.debug('cannot read the APIService', { error: messageOf(error) });
    return undefined;
  }
}

function tell(trouble: Trouble | undefined, log: Log): void {
  if (trouble) log.error(trouble.what, trouble.says ? { says: trouble.says } : {});
  else log.warn(`APIService ${apiServiceName} is available again`);
}

function ownerFault(state: ApiServiceState | undefined, ours: Options['service']): string | undefined {
  if (!state)
    return `APIService ${apiServiceName} does not exist, so that nobody reaches Kylon: apply apiservice/apiservice.yaml, or beside a cluster start Kylon anew`;
  const { service } = state;
  if (!service) return heldByDefinition;
  if (isSameService(service, ours)) return undefined;
  const [theirs, own] = [service, ours].map(({ namespace, name }) => `${namespace}/${name}`);
  return `APIService ${apiServiceName} belongs to another server, behind Service ${theirs}, and not to this one, behind ${own}: remove the APIService or this server, or set --service`;
}

export const heldByDefinition = `APIService ${apiServiceName} belongs to a CustomResourceDefinition of the group backup.kylon.io: remove that one first`;

function causeOf(reason: string, message: string, circumstances: Circumstances): string {
  const found = reason === 'FailedDiscoveryCheck' ? checks.find(([pattern]) => pattern.test(message)) : undefined;
  if (found) return found[1](found[0].exec(message)?.slice(1) ?? [], circumstances);
  return reasons[reason]?.(circumstances) ?? '';
}

type Sentence = (found: readonly string[], circumstances: Circumstances) => string;

const serviceOf = ({ service: { namespace, name } }: Circumstances) => `Service ${namespace}/${name}`;

const reasons: Readonly<Record<string, (circumstances: Circumstances) => string>> = {
  ServiceNotFound: (our) => `there is no ${serviceOf(our)}: create it`,
  ServiceAccessError: (our) => `kube-apiserver cannot look at ${serviceOf(our)}: see its own log`,
  ServicePortError: (our) => `${serviceOf(our)} does not have the port that the APIService names: make spec.service.port one of its ports`,
  EndpointsNotFound: (our) => `${serviceOf(our)} has no endpoints at all: give it a selector that fits the pods of Kylon`,
  EndpointsAccessError: (our) => `kube-apiserver cannot look at the endpoints of ${serviceOf(our)}: see its own log`,
  MissingEndpoints: (our) =>
    `no pod is ready behind ${serviceOf(our)}: look at the pods, and whether its port is named as their container port is`,
  FailedDiscoveryCheck: () => 'kube-apiserver gets no good answer from Kylon: its own words tell why',
};

/** What kube-apiserver says when it asked us and got no good answer, the most telling first. */
const checks: readonly (readonly [RegExp, Sentence])[] = [
  [
    /x509: certificate is (?:valid for (.*), not|not valid for any names, but wanted to match) ([^\s:"]+)/,
    ([names = '', wanted = '']) =>
      `the serving certificate is for ${names || 'no name'} and not for ${wanted}: make one with the DNS name ${wanted}`,
  ],
  [
    /x509: certificate relies on legacy Common Name field/,
    (_, our) => `the serving certificate has no DNS names: make one with ${our.service.name}.${our.service.namespace}.svc among them`,
  ],
  [
    /x509: certificate signed by unknown authority/,
    () => 'the serving certificate is not signed by an authority of spec.caBundle: put that authority there',
  ],
  [/x509: certificate has expired or is not yet valid/, () => 'the serving certificate or its authority is not valid now: renew it'],
  [/bad status from [^ ]+: (401|403)/, ([code = ''], our) => refusedSentence(code, our.refusal())],
  [/bad status from [^ ]+: (\d+)/, ([code = '']) => `Kylon, or whoever listens there, answers ${code}: see the log of that server`],
  [
    /connection refused/,
    (_, our) => `nobody listens behind ${serviceOf(our)}: is Kylon running, and on the port that the APIService names?`,
  ],
  [/no such host/, (_, our) => `kube-apiserver cannot resolve the name of ${serviceOf(our)}`],
  [
    /timeout|deadline exceeded|Timeout/,
    (_, our) =>
      `no answer within 5 s by way of ${serviceOf(our)}: look for a firewall or a NetworkPolicy between kube-apiserver and Kylon, and for a server without CPU`,
  ],
];

function refusedSentence(code: string, refusal: Refusal | undefined): string {
  if (!refusal) return `whoever listens there answers ${code}, and it is not this process`;
  if (!refusal.certificate)
    return `Kylon answered ${code}, because no client certificate came with the question: something between kube-apiserver and Kylon ends TLS, let it pass TLS through`;
  const { commonName, issuer } = refusal.certificate;
  return `Kylon answered ${code} to a client certificate of the common name "${commonName}", issued by "${issuer}": in ConfigMap kube-system/extension-apiserver-authentication the first is not among requestheader-allowed-names, or the authority not in requestheader-client-ca-file`;
}
