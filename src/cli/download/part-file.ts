/**
 * A file that is not whole yet lies beside its place under a name of its own: the place holds all of it or nothing. The name tells
 * what it is of, so whoever asks for that again goes on with it.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { causeOf } from '../../base/system-errors.ts';
import { Ending, exits } from '../exits.ts';
import type { Content, Sink } from './fetch.ts';

export interface PartFile extends Sink, AsyncDisposable {
  /** Gives it its name. */
  finish(): Promise<void>;
}

/** Of the tag, in the name. */
const digits = 12;
const chunk = 1 << 20;

export async function openPart(file: string, { tag, bytes }: Content, signal: AbortSignal): Promise<PartFile> {
  const part = `${file}.${tag.slice(0, digits)}.part`;
  const handle = await told(part, () => open(part, 'a+', 0o600));
  try {
    return await partOf(handle, { part, file, bytes }, signal);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function partOf(handle: FileHandle, { part, file, bytes }: { part: string; file: string; bytes: number }, signal: AbortSignal) {
  const hash = createHash('sha256');
  let size = await hashOf(handle, hash, bytes, signal);
  return {
    get size() {
      return size;
    },
    async write(piece: Uint8Array) {
      await told(part, () => handle.appendFile(piece));
      hash.update(piece);
      size += piece.byteLength;
    },
    digest: () => hash.copy().digest('hex'),
    async finish() {
      await told(part, () => handle.sync());
      await told(file, () => rename(part, file));
    },
    [Symbol.asyncDispose]: async () => {
      await handle.close();
      if (size >= bytes) await rm(part, { force: true });
    },
  };
}

/** What is there already, as far as it can be of the content. */
async function hashOf(handle: FileHandle, hash: ReturnType<typeof createHash>, bytes: number, signal: AbortSignal): Promise<number> {
  const buffer = Buffer.alloc(chunk);
  let size = 0;
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(chunk, bytes - size), size);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
  await handle.truncate(size);
  return size;
}

async function told<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Ending(exits.no, `error: ${file}: ${causeOf(error)}`, { cause: error });
  }
}
