/** The body of a request, as the bytes that came: what they mean is decided by their Content-Type, later. */
import type { IncomingMessage } from 'node:http';
import { unlessAborted } from '../base/lifetime.ts';
import { badRequest, tooLarge } from '../machinery/errors.ts';

/** Bytes; the limit of kube-apiserver. */
const largestBody = 3 * 1024 * 1024;

/** Rejects with ApiError 413 above the limit; then the rest is read and dropped while the answer goes out. */
export async function readBody(request: IncomingMessage, signal: AbortSignal): Promise<Uint8Array> {
  if (request.method === 'GET' || request.method === 'HEAD') return new Uint8Array();
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
  return await unlessAborted(body, signal);
}
