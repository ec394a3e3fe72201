/**
 * /livez, /readyz and /healthz, in the words of https://kubernetes.io/docs/reference/using-api/health-checks/.
 * Ready means: can answer. A server whose store is down stays ready and says 503 to each request: were it taken out of
 * its Service, the whole group would be gone from the cluster, and with it the deletion of every namespace; and nobody would be told why.
 */
import { unlessAborted, messageOf } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Answer, Target } from '../machinery/call.ts';
import { methodNotAllowed, noSuchPath } from '../machinery/errors.ts';

export interface HealthCheck {
  readonly name: string;
  /** Rejects when it is not well. */
  readonly check: (signal: AbortSignal) => Promise<void>;
}

export interface Health {
  /** Undefined for every other path. Rejects with ApiError 404 and 405. */
  answer(target: Target, signal: AbortSignal): Promise<Answer> | undefined;
}

/** `checks` are what /healthz tells beside; `leaving` says whether the server is on its way down. */
export function createHealth(checks: readonly HealthCheck[], leaving: () => boolean, log: Log): Health {
  const ping: HealthCheck = { name: 'ping', check: () => Promise.resolve() };
  const shutdown: HealthCheck = {
    name: 'shutdown',
    check: () => (leaving() ? Promise.reject(new Error('the server is shutting down')) : Promise.resolve()),
  };
  const endpoints: ReadonlyMap<string, readonly HealthCheck[]> = new Map([
    ['healthz', [ping, ...checks]],
    ['livez', [ping]],
    ['readyz', [ping, shutdown]],
  ]);
  return {
    answer({ method, path, query }, signal) {
      const [, endpoint = '', single] = /^\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
      const all = endpoints.get(endpoint);
      if (!all) return undefined;
      if (method !== 'GET' && method !== 'HEAD') return Promise.reject(methodNotAllowed());
      return single === undefined ? answerAll(endpoint, all, query, log, signal) : answerOne(all, single, signal);
    },
  };
}

async function answerAll(
  endpoint: string,
  checks: readonly HealthCheck[],
  query: URLSearchParams,
  log: Log,
  signal: AbortSignal,
): Promise<Answer> {
  const excluded = new Set(query.getAll('exclude'));
  const results = await Promise.all(checks.filter(({ name }) => !excluded.has(name)).map((check) => run(check, signal)));
  const failed = results.filter(({ fault }) => fault !== undefined);
  if (failed.length > 0) log.warn(`${endpoint} check failed`, { failed });
  if (failed.length === 0 && !query.has('verbose')) return text(200, 'ok');
  const lines = checks.map(({ name }) => lineOf(name, excluded, failed));
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
  if (unknown.length > 0)
    lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`);
  const verdict = failed.length > 0 ? 'failed' : 'passed';
  return text(failed.length > 0 ? 500 : 200, `${[...lines, `${endpoint} check ${verdict}`].join('\n')}\n`);
}

interface Result {
  readonly name: string;
  readonly fault: string | undefined;
}

function lineOf(name: string, excluded: ReadonlySet<string>, failed: readonly Result[]): string {
  if (excluded.has(name)) return `[+]${name} excluded: ok`;
  return failed.some((one) => one.name === name) ? `[-]${name} failed: reason withheld` : `[+]${name} ok`;
}

async function answerOne(checks: readonly HealthCheck[], name: string, signal: AbortSignal): Promise<Answer> {
  const check = checks.find((check) => check.name === name);
  if (!check) throw noSuchPath();
  const { fault } = await run(check, signal);
  return fault === undefined ? text(200, 'ok') : text(500, `internal server error: ${fault}\n`);
}

async function run({ name, check }: HealthCheck, signal: AbortSignal): Promise<Result> {
  try {
    await unlessAborted(check(signal), signal);
    return { name, fault: undefined };
  } catch (error) {
    return { name, fault: messageOf(error) };
  }
}

const text = (status: number, body: string): Answer => ({ status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body });
