/** Objects in memory: for tests, and for trying things out. What is stored dies with the process. */
import { createHash } from 'node:crypto';
import { interruptible } from './interruptible.ts';
import { checkKey, checkPrefix } from './keys.ts';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, Uploaded } from './objectstore.ts';
import { StoreConflict, StoreNotFound } from './objectstore.ts';
import type { Provider } from './provider.ts';
import { boundsOf } from './ranges.ts';

const pieceBytes = 256 * 1024;

export const memoryProvider: Provider = {
  scheme: 'memory',
  usage: 'memory:\n    Keeps nothing beyond the process.',
  open: async () => memoryStore(),
};

/** A client of the objects in `objects`; several clients may share them. */
export function memoryStore(objects: Map<string, Uint8Array> = new Map()): ObjectStore {
  return new MemoryStore(objects);
}

class MemoryStore implements ObjectStore {
  readonly name = 'memory:';
  readonly #objects: Map<string, Uint8Array>;

  constructor(objects: Map<string, Uint8Array>) {
    this.#objects = objects;
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    this.#check(key, signal);
    if (this.#objects.has(key)) return 'exists';
    this.#objects.set(key, Uint8Array.from(body));
    return 'created';
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    this.#check(key, signal);
    const hash = createHash('sha256');
    const pieces: Uint8Array[] = [];
    for await (const piece of interruptible(body, signal)) {
      hash.update(piece);
      pieces.push(Uint8Array.from(piece));
    }
    const whole = Buffer.concat(pieces);
    if ((await this.putIfAbsent(key, whole, signal)) === 'exists') throw new StoreConflict(`${key} exists already`);
    return { bytes: whole.length, sha256: hash.digest('hex') };
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    const whole = this.#find(key, signal);
    const { start, end } = boundsOf(key, whole.length, range);
    return whole.slice(start, end);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    const whole = this.#find(key, signal);
    const { start, end } = boundsOf(key, whole.length, range);
    return { size: whole.length, body: pieces(whole.subarray(start, end), signal) };
  }

  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    this.#check(key, signal);
    return this.#objects.get(key)?.length;
  }

  async *list(prefix: string, signal: AbortSignal, startAfter = ''): AsyncIterable<StoredKey> {
    checkPrefix(prefix);
    for (const key of [...this.#objects.keys()].sort()) {
      signal.throwIfAborted();
      const body = this.#objects.get(key);
      if (body !== undefined && key.startsWith(prefix) && key > startAfter) yield { key, size: body.length };
    }
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    this.#check(key, signal);
    this.#objects.delete(key);
  }

  async close(): Promise<void> {}

  #check(key: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    checkKey(key);
  }

  #find(key: string, signal: AbortSignal): Uint8Array {
    this.#check(key, signal);
    const body = this.#objects.get(key);
    if (body === undefined) throw new StoreNotFound(`${key} does not exist`);
    return body;
  }
}

async function* pieces(whole: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += pieceBytes) {
    signal.throwIfAborted();
    yield whole.slice(at, at + pieceBytes);
  }
}
