/** Opens a WebSocket to the API server; what it says instead of opening one becomes a ClusterError. */
import type http from 'node:http';
import type WebSocket from 'ws';
import { messageOf } from '../base/lifetime.ts';
import { ClusterError } from './cluster.ts';
import type { HttpRequest } from './http.ts';
import { readBody } from './http.ts';
import { errorOf } from './status.ts';

/** Of a refusal. */
const mostWords = 64 << 10;

/** Speaks one of the protocols, the first of them that the server knows; paused, so that nothing is missed. Rejects with ClusterError, or with the signal's reason. */
export async function openWebSocket(
  { url, headers, auth, agent }: Pick<HttpRequest, 'url' | 'headers' | 'auth' | 'agent'>,
  protocols: readonly string[],
  signal: AbortSignal,
): Promise<WebSocket> {
  const { WebSocket } = await import('ws');
  const what = `GET ${url.pathname}`;
  const socket = new WebSocket(url, [...protocols], {
    headers: headers as Record<string, string>,
    agent,
    perMessageDeflate: false,
    ...(auth !== undefined && { auth }),
  });
  return new Promise((resolve, reject) => {
    const stop = () => socket.terminate();
    signal.addEventListener('abort', stop);
    const settled = () => signal.removeEventListener('abort', stop);
    socket.once('open', () => {
      settled();
      socket.pause();
      resolve(socket);
    });
    socket.once('unexpected-response', (_, response) => {
      void refusalOf(what, response, signal)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
    socket.on('error', (error) => {
      settled();
      reject(signal.aborted ? (signal.reason as Error) : new ClusterError(0, '', `${what}: ${messageOf(error)}`, { cause: error }));
    });
  });
}

async function refusalOf(what: string, response: http.IncomingMessage, signal: AbortSignal): Promise<ClusterError> {
  const body = await readBody(response, mostWords, signal);
  return errorOf(what, { status: response.statusCode ?? 0, headers: response.headers, body });
}
