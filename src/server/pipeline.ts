/** What happens to a request, in order. Each step may end it by throwing an ApiError. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticate, Identity } from '../auth/authenticate.ts';
import { healthPaths, masters } from '../auth/authorize.ts';
import { attributesOf } from '../auth/attributes.ts';
import { firstOf, headersOf, valuesOf } from '../auth/headers.ts';
import type { Headers } from '../auth/headers.ts';
import { impersonate } from '../auth/impersonate.ts';
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import { withDeadline } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Answer, Call, Target } from '../machinery/call.ts';
import { badRequest, methodNotAllowed, unavailable } from '../machinery/errors.ts';
import { wantsIndentation } from '../machinery/views/negotiate.ts';
import { denied } from '../machinery/denial.ts';
import { parseTarget } from '../machinery/path.ts';
import { requestTimedOut, requestTimeout } from '../machinery/input/timeout.ts';
import type { Authorizer, User, Verdict } from '../machinery/user.ts';
import { withoutSecrets } from './audit.ts';
import type { AuditLog, AuditRecord } from './audit.ts';
import { readBody } from './body.ts';
import type { Drain } from './drain.ts';
import { apiErrorOf, statusAnswer, whileTaken } from './failure.ts';
import type { Health } from './health.ts';
import type { InFlight } from './in-flight.ts';
import { isEndless, isLongRunning } from './long-running.ts';
import { answerMetrics } from './metrics.ts';
import { addressOf, certificatesOf } from './peer.ts';
import { refusalOf } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { respond } from './respond.ts';
import { warningHeaders } from './warnings.ts';
import { takenOffer } from './websocket.ts';

export interface Parts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly authenticate: Authenticate;
  readonly authorizer: Authorizer;
  readonly handle: (call: Call) => Promise<Answer>;
  readonly health: Health;
  readonly inFlight: InFlight;
  readonly drain: Drain;
  readonly audit: AuditLog | undefined;
  /** Told of every answer 401 and 403. */
  readonly onRefused?: ((refusal: Refusal) => void) | undefined;
}

/** One request on its way; the steps write down what they find out. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: Headers;
  readonly auditId: string;
  /** Milliseconds since the epoch. */
  readonly received: number;
  readonly warnings: string[];
  target?: Target;
  identity?: Identity;
  impersonated?: User;
  verdict?: Verdict;
  /** Of the answer, as far as there is one. */
  code?: number;
}

/** Answers every request; never rejects. */
export function createPipeline(parts: Parts): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    using _ = parts.drain.enter();
    const exchange = open(request, response, parts);
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the client went away')));
    try {
      const target = readTarget(exchange);
      const proceed = (signal: AbortSignal) => steps(exchange, target, parts, signal);
      if (isLongRunning(target)) await proceed(gone.signal);
      else await withDeadline(parts.clock, requestTimeout(target.verb, target.query), gone.signal, requestTimedOut, proceed);
    } catch (error) {
      await fail(exchange, error, parts, gone.signal);
    } finally {
      gone.abort(new Error('the request is over'));
      report(exchange, parts);
    }
  };
}

async function steps(exchange: Exchange, target: Target, parts: Parts, signal: AbortSignal): Promise<void> {
  refuseLate(target, parts);
  const identity = await identify(exchange, target, parts, signal);
  using _ = enter(target, identity.user, parts.inFlight);
  const user = await impersonateIfAsked(exchange, identity.user, parts, signal);
  await authorize(exchange, target, user, parts, signal);
  const body = await readBody(exchange.request, signal);
  const call = callOf(exchange, target, user, body, signal);
  const answer = await (parts.health.answer(target, signal) ?? answerMetrics(parts.metrics, target) ?? parts.handle(call));
  await deliver(exchange, target, answer, parts, signal);
}

function open(request: IncomingMessage, response: ServerResponse, { clock, ids }: Parts): Exchange {
  const headers = headersOf(request.rawHeaders);
  const asked = firstOf(headers, 'audit-id');
  const auditId = /^[\x21-\x7e]{1,128}$/.test(asked) ? asked : ids.uuid();
  return { request, response, headers, auditId, received: clock.now(), warnings: [] };
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

function readTarget(exchange: Exchange): Target {
  const { method = '', url = '', headers, httpVersion } = exchange.request;
  if (headers.host === undefined && httpVersion === '1.1') throw badRequest('a request in HTTP/1.1 has a Host header');
  if (!methods.has(method)) throw methodNotAllowed();
  exchange.target = parseTarget(method, url);
  return exchange.target;
}

function refuseLate({ path }: Target, { drain }: Parts): void {
  if (drain.stopped && !healthPaths.has(path)) throw unavailable('apiserver is shutting down');
}

async function identify(exchange: Exchange, target: Target, parts: Parts, signal: AbortSignal): Promise<Identity> {
  using _ = isInstant(target) ? undefined : parts.inFlight.enter('arriving');
  exchange.identity = await parts.authenticate({ headers: exchange.headers, certificates: certificatesOf(exchange.request) }, signal);
  return exchange.identity;
}

/** Probes must be answered under any load, and cost nothing. */
const isInstant = ({ path }: Target) => path === '/livez' || path === '/readyz';

/** The cluster's own components do not wait for others, and nobody for what runs for long. */
function enter(target: Target, user: User, inFlight: InFlight): Disposable | undefined {
  if (isInstant(target) || user.groups.includes(masters)) return undefined;
  if (isLongRunning(target)) return inFlight.enter('lasting');
  return inFlight.enter(target.method === 'GET' || target.method === 'HEAD' ? 'reading' : 'writing');
}

async function impersonateIfAsked(exchange: Exchange, user: User, { authorizer }: Parts, signal: AbortSignal): Promise<User> {
  const other = await impersonate(user, exchange.headers, authorizer, signal);
  if (!other) return user;
  exchange.impersonated = other;
  return other;
}

async function authorize(exchange: Exchange, target: Target, user: User, { authorizer }: Parts, signal: AbortSignal): Promise<void> {
  const attributes = attributesOf(target);
  const verdict = await authorizer.authorize(user, attributes, signal);
  exchange.verdict = verdict;
  if (!verdict.allowed) throw denied(user, attributes, verdict);
}

/** Of the headers a handler sees these and no others: none that tells who it is, none that is a secret. */
function callOf({ headers, warnings }: Exchange, target: Target, user: User, body: Uint8Array, signal: AbortSignal): Call {
  return {
    ...target,
    user,
    accept: valuesOf(headers, 'accept').join(', '),
    contentType: firstOf(headers, 'content-type'),
    userAgent: firstOf(headers, 'user-agent'),
    range: firstOf(headers, 'range'),
    ifRange: firstOf(headers, 'if-range'),
    ifNoneMatch: valuesOf(headers, 'if-none-match').join(', '),
    body,
    signal,
    warn: (text) => void warnings.push(text),
  };
}

async function deliver(exchange: Exchange, target: Target, answer: Answer, parts: Parts, signal: AbortSignal): Promise<void> {
  exchange.code = answer.status;
  if (isLongRunning(target)) record(exchange, 'ResponseStarted', parts);
  using stream = isEndless(target) ? parts.drain.stream() : undefined;
  await send(exchange, answer, parts, signal, stream?.ending);
}

async function fail(exchange: Exchange, thrown: unknown, parts: Parts, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return;
  const error = apiErrorOf(thrown, parts.log, exchange.auditId);
  exchange.code = error.code;
  if (error.code === 401 || error.code === 403)
    parts.onRefused?.(refusalOf(exchange.target?.path ?? '', error.code, certificatesOf(exchange.request)));
  if (exchange.response.headersSent) return void exchange.response.destroy();
  const query = exchange.target?.query ?? new URLSearchParams();
  const indented = wantsIndentation({ query, userAgent: firstOf(exchange.headers, 'user-agent') });
  await whileTaken(parts.clock, gone, (signal) => send(exchange, statusAnswer(error, indented), parts, signal)).catch(() =>
    exchange.response.destroy(),
  );
}

/**
 * A stream without an end of its own is the last answer of its connection: one that we end on our way down must not be taken for free,
 * and closed under the next request.
 */
async function send(exchange: Exchange, answer: Answer, { drain }: Parts, signal: AbortSignal, ending?: AbortSignal): Promise<void> {
  const { request, response, headers, auditId, warnings } = exchange;
  await respond(response, answer, {
    head: request.method === 'HEAD',
    acceptsGzip:
      request.method === 'GET' && valuesOf(headers, 'accept-encoding').some((value) => /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(value)),
    webSocket: takenOffer(request),
    headers: { 'Audit-Id': auditId, ...warned(warnings), ...((drain.leaving || ending) && { Connection: 'close' }) },
    signal,
    ending,
  });
}

function warned(warnings: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const values = warningHeaders(warnings);
  return values.length > 0 ? { Warning: values } : {};
}

function report(exchange: Exchange, parts: Parts): void {
  record(exchange, 'ResponseComplete', parts);
  const { request, identity, auditId, received, code } = exchange;
  parts.log.debug('request', {
    method: request.method,
    uri: withoutSecrets(request.url ?? ''),
    code,
    ms: parts.clock.now() - received,
    user: identity?.user.name,
    userAgent: firstOf(exchange.headers, 'user-agent'),
    sources: sourcesOf(exchange),
    auditId,
  });
}

/** Probes come every few seconds and do nothing: they are left out. */
function record(exchange: Exchange, stage: AuditRecord['stage'], { audit, clock }: Parts): void {
  const { auditId, request, target, identity, impersonated, headers, verdict, code = 0, received } = exchange;
  if (!audit || (target && healthPaths.has(target.path))) return;
  audit.record({
    auditId,
    stage,
    url: request.url ?? '',
    target,
    user: identity?.user,
    impersonated,
    sourceIPs: sourcesOf(exchange),
    userAgent: firstOf(headers, 'user-agent'),
    verdict,
    code,
    received,
    now: clock.now(),
  });
}

/** What the front proxy says of where a request came from is true; from anybody else it is just a header. */
function sourcesOf({ identity, headers, request }: Exchange): string[] {
  const forwarded = identity?.via === 'proxy' ? valuesOf(headers, 'x-forwarded-for').flatMap((value) => value.split(',')) : [];
  return [...forwarded.map((one) => one.trim()).filter((one) => one !== ''), addressOf(request)];
}
