/** The body of an answer as a stream of small pieces, which notices when it ends too early. */
import type { Readable } from 'node:stream';
import { StoreUnavailable } from '../objectstore.ts';
import type { Asked } from './s3-errors.ts';
import { s3ErrorOf } from './s3-errors.ts';

const mostBytes = 1024 * 1024;

/** Ends the request when `signal` aborts, also before anybody reads. */
export function piecesOf(body: Readable, bytes: number, asked: Asked, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const end = () => body.destroy();
  // Who reads hears of an error; without this, it would end the process when nobody does.
  body.on('error', () => {});
  signal.addEventListener('abort', end, { once: true });
  body.once('close', () => signal.removeEventListener('abort', end));
  return readBody(body, bytes, asked, signal);
}

async function* readBody(body: Readable, bytes: number, asked: Asked, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let left = bytes;
  try {
    signal.throwIfAborted();
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      left -= chunk.length;
      for (let at = 0; at < chunk.length; at += mostBytes) {
        yield chunk.subarray(at, at + mostBytes);
        signal.throwIfAborted();
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw s3ErrorOf(error, asked);
  } finally {
    body.destroy();
  }
  signal.throwIfAborted();
  if (left !== 0) throw new StoreUnavailable(`${asked.what}: the answer has ${bytes - left} bytes instead of ${bytes}`);
}
