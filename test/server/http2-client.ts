/** One HTTP/2 connection to a server of a test, and what comes on it. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from 'node:http2';
import { onTestFinished } from 'vitest';
import type { RunningServer } from '../../src/server/listen.ts';
import type { Pair } from '../auth/pki.ts';
import { master, servingCA } from './running.ts';

/** Ends with the test. */
export async function connection(
  server: RunningServer,
  as: Pair | undefined = master,
  options: SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${server.port}`, { ca: servingCA.cert, ...as, ...options });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

/** The stream as soon as the headers of its answer are there. */
export async function open(session: ClientHttp2Session, path: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }];
  return { stream, headers: answer, status: answer[':status'] };
}

/** Rejects when the stream breaks off. */
export async function whole(stream: ClientHttp2Stream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

export async function ask(session: ClientHttp2Session, path: string, asked: Asked = {}) {
  const { stream, headers, status } = await open(session, path, asked);
  return { headers, status, body: await whole(stream) };
}
