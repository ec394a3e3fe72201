/** Reads one file of a finished folder, of which it is known how long it has to be. */
import type { ByteStream, ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDamaged, StoreNotFound, StoreRange } from '../../objectstore/objectstore.ts';
import { ArchiveDamaged } from './archive.ts';

export interface StoredFile {
  readonly key: string;
  readonly bytes: number;
  /** Exactly these bytes. */
  read(start: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
  /** A stream of the file, or of a part of it. */
  stream(range: { readonly start: number; readonly length?: number } | undefined, signal: AbortSignal): Promise<ByteStream>;
}

/** What is missing, or damaged for the store already, rejects with ArchiveDamaged; StoreRange passes for a range that lies behind the end that the file should have. */
export function storedFile(store: ObjectStore, key: string, bytes: number): StoredFile {
  return {
    key,
    bytes,
    async read(start, length, signal) {
      if (length === 0) return new Uint8Array();
      const found = await store.read(key, signal, { start, length }).catch(asDamage(key, start, bytes));
      if (found.length !== length) throw new ArchiveDamaged(`${key}: it ends at ${start + found.length} instead of ${bytes}`);
      return found;
    },
    async stream(range, signal) {
      const opened = await store.stream(key, signal, range).catch(asDamage(key, range?.start ?? 0, bytes));
      if (opened.size !== bytes) throw new ArchiveDamaged(`${key}: it has ${opened.size} bytes instead of ${bytes}`);
      return opened;
    },
  };
}

function asDamage(key: string, start: number, bytes: number): (error: unknown) => never {
  return (error) => {
    if (error instanceof StoreNotFound) throw new ArchiveDamaged(`${key}: it is missing`, { cause: error });
    if (error instanceof StoreDamaged) throw new ArchiveDamaged(error.message, { cause: error });
    if (error instanceof StoreRange && (start < bytes || error.size !== bytes))
      throw new ArchiveDamaged(`${key}: it has ${error.size} bytes instead of ${bytes}`, { cause: error });
    throw error;
  };
}
