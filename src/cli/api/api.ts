/** The API for the commands: answers that are good, or an Ending that says in kubectl's words why there is none. */
import { parseExactly } from '../../base/exact-json.ts';
import type { ApiClient, ApiRequest, OpenAnswer } from '../../cluster/client.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { UserConnection } from '../../cluster/user-connection.ts';
import type { WatchEvent } from '../../cluster/watch.ts';
import { watchEvents } from '../../cluster/watch.ts';
import { Refusal, refusalOf, wordsOf } from './refusal.ts';
import { unreachable } from './unreachable.ts';
import { warningsIn } from './warnings.ts';

export interface Api {
  /** In which commands work: that of --namespace, else of the context, else `default`. */
  readonly namespace: string;
  /** The body of a good answer. Rejects with Refusal, Unreachable, or the signal's reason. */
  json<T>(request: ApiRequest, signal: AbortSignal): Promise<T>;
  /** A good answer, once its head is there. Rejects as json does, and so does its body when it is cut. */
  open(request: ApiRequest, signal: AbortSignal): Promise<OpenAnswer>;
  /** Events until the server ends the watch. Rejects as json does. */
  watch(request: ApiRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

interface Parts {
  readonly namespace: string;
  /** Of --request-timeout. */
  readonly timeoutMs: number | undefined;
  /** What the server warns of. */
  readonly warn: (text: string) => void;
}

export function apiOf({ client, server }: Pick<UserConnection, 'client' | 'server'>, parts: Parts): Api {
  const timed = (request: ApiRequest) => (parts.timeoutMs === undefined ? request : { timeoutMs: parts.timeoutMs, ...request });
  return {
    namespace: parts.namespace,
    json: <T>(request: ApiRequest, signal: AbortSignal) => inWords(server, () => json<T>(client, timed(request), parts, signal)),
    open: (request, signal) => inWords(server, () => open(client, server, timed(request), parts, signal)),
    watch: (request, signal) => eachInWords(server, watchEvents(client, timed(request), signal)),
  };
}

async function json<T>(client: ApiClient, request: ApiRequest, { warn }: Parts, signal: AbortSignal): Promise<T> {
  const { status, headers, body } = await client.ask(request, signal);
  warningsIn(headers).forEach(warn);
  if (!isGood(status)) throw refusalOf({ status, body });
  return parseExactly(Buffer.from(body).toString()) as T;
}

async function open(client: ApiClient, server: URL, request: ApiRequest, { warn }: Parts, signal: AbortSignal): Promise<OpenAnswer> {
  const answer = await client.open(request, signal);
  warningsIn(answer.headers).forEach(warn);
  if (!isGood(answer.status)) throw refusalOf({ status: answer.status, body: await answer.whole() });
  return { ...answer, body: eachInWords(server, answer.body) };
}

async function* eachInWords<T>(server: URL, pieces: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* pieces;
  } catch (error) {
    throw worded(server, error);
  }
}

async function inWords<T>(server: URL, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw worded(server, error);
  }
}

function worded(server: URL, error: unknown): unknown {
  if (!(error instanceof ClusterError)) return error;
  if (error.code === 0) return unreachable(server, error);
  return new Refusal(error.code, wordsOf({ reason: error.reason, message: error.message }));
}

const isGood = (status: number) => status >= 200 && status <= 299;
