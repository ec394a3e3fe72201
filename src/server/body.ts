/** The body of a request, as the bytes that came: what they mean is decided by their Content-Type, later. */
import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { unlessAborted } from '../base/lifetime.ts';
import { badRequest, tooLarge } from '../machinery/errors.ts';

/** Bytes; the limit of kube-apiserver. */
const largestBody = 3 * 1024 * 1024;

/** Bytes from which on a body may take its reader a tenth of a second and more. */
const large = 64 * 1024;
/** The last of those who wait for their turn: there is one event loop, and so one queue. */
let lastTurn = Promise.resolve();

/** Large bodies are worked on one in a turn of the event loop, so that small requests come in between. */
function turn(): Promise<void> {
  lastTurn = lastTurn.then(() => setImmediate());
  return lastTurn;
}

/** Of a request that has none by its method; what comes all the same is not kept, however long the answer takes. */
function dropped(request: IncomingMessage): Uint8Array {
  request.resume();
  return new Uint8Array();
}

/** Rejects with ApiError 413 above the limit; then the rest is read and dropped while the answer goes out. */
export async function readBody(request: IncomingMessage, signal: AbortSignal): Promise<Uint8Array> {
  if (request.method === 'GET' || request.method === 'HEAD') return dropped(request);
  if (Number(request.headers['content-length'] ?? 0) > largestBody) throw tooLarge(largestBody);
  const body = new Promise<Uint8Array>((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    request.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= largestBody) pieces.push(piece);
      else reject(tooLarge(largestBody));
    });
    request.on('end', () => resolve(Buffer.concat(pieces)));
    request.on('error', (cause) => reject(badRequest('the body of the request broke off', cause)));
  });
  const bytes = await unlessAborted(body, signal);
  if (bytes.length >= large) await turn();
  return bytes;
}
