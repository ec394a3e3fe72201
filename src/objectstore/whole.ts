/** Bodies in one piece. */
import { handBack } from '../base/hand-back.ts';
import type { ByteStream } from './objectstore.ts';

/** All that a store sends. */
export async function wholeOf(body: ByteStream['body']): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  for (const piece of pieces) handBack(piece);
  return whole;
}
