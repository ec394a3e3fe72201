/** HTTP/1.1 on connections that TLS has opened, with the settings in which Node's defaults do not fit a Kubernetes API. */
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError } from '../machinery/errors.ts';
import { asksForWebSocket, serveUpgrade } from './websocket.ts';

/** Gets its connections by the event `connection`, and looks after their time limits from `listening` on. */
export function createHttp1Server(app: RequestListener): Server {
  const server = createServer(
    {
      /** Bytes; somebody in thousands of groups is sent with a header for each. */
      maxHeaderSize: 1024 * 1024,
      /** Node's own refusal of a request without Host carries no Status: the pipeline refuses it. */
      requireHostHeader: false,
      shouldUpgradeCallback: asksForWebSocket,
    },
    app,
  );
  /** Above the bound Node drops headers without a word, the user's name among the first. */
  server.maxHeadersCount = 0;
  /** Longer than the 90 s after which Go closes idle connections: were we first, a request could meet a closing one. */
  server.keepAliveTimeout = 120_000;
  server.headersTimeout = 130_000;
  server.requestTimeout = 600_000;
  server.timeout = 0;
  /** Node would answer 417 and no Status; nobody has to meet an expectation that nobody knows. https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1 */
  server.on('checkExpectation', app);
  server.on('checkContinue', (request, response) => {
    askForBody(response);
    app(request, response);
  });
  server.on('connection', readByStream);
  server.on('upgrade', (request, socket) => serveUpgrade(app, request, socket));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseMalformed(error, socket));
  return server;
}

/**
 * Node reads a connection past its stream until somebody listens to that. It pauses one whose client has yet to take an answer, and then
 * the parser refuses what TLS had decrypted already, the rest of a request, as HPE_PAUSED; the stream keeps that for later.
 */
function readByStream(socket: Socket): void {
  socket.on('data', () => {});
}

/**
 * An answer that is ready before its turn, behind another of its connection, needs no body any more; Node would write 100 Continue
 * between its head and its own body.
 */
function askForBody(response: ServerResponse): void {
  if (response.socket) response.writeContinue();
  else response.once('socket', () => response.headersSent || response.writeContinue());
}

/** What Node could not read as HTTP has no request to answer to. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const [line, code, reason] = malformed[error.code ?? ''] ?? ['400 Bad Request', 400, 'BadRequest'];
  const body = JSON.stringify(new ApiError(code, reason, 'the request is not HTTP/1.1 as this server reads it').toStatus());
  socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

const malformed: Readonly<Record<string, readonly [line: string, code: number, reason: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 431, 'BadRequest'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 408, 'Timeout'],
};
