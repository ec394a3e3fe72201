/** Puts a stream whose end nobody knows into a file: it gets its name once it is whole, and nothing is left of a part of it. */
import { open, rename, rm } from 'node:fs/promises';
import { causeOf } from '../../base/system-errors.ts';
import { Ending, exits } from '../exits.ts';

/** How many bytes there were. Rejects as the stream does, or with an Ending. */
export async function streamInto(file: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const part = `${file}.part`;
  try {
    const bytes = await write(part, pieces);
    await told(file, rename(part, file));
    return bytes;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function write(part: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  await using handle = await told(part, open(part, 'w', 0o600));
  let bytes = 0;
  for await (const piece of pieces) {
    await told(part, handle.appendFile(piece));
    bytes += piece.byteLength;
  }
  await told(part, handle.sync());
  return bytes;
}

async function told<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new Ending(exits.no, `error: ${file}: ${causeOf(error)}`, { cause: error });
  }
}
