/**
 * Objects as files of a folder. A file is written under a temporary name, made durable, and then linked to its own name:
 * link(2) fails if the name is taken, so it is the put-if-absent, and nobody ever sees half a file.
 *
 * Temporary files lie in the folder `~tmp`: no key may hold a `~`. As a name is either a file or a folder, a store of this
 * kind cannot hold both the keys `a` and `a/b`; and no part of a key may be longer than a file name (255 bytes).
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, lstat, open, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { codeOf } from '../../base/system-errors.ts';
import { listDirectory } from './directory-list.ts';
import { storeErrorOf } from '../file-errors.ts';
import { makeFolder, syncFolder } from '../folders.ts';
import { interruptible } from '../interruptible.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, Uploaded } from '../objectstore.ts';
import { StoreConflict, StoreDenied, StoreError, StoreNotFound, StoreUnavailable } from '../objectstore.ts';
import type { Provider, StoreParts } from '../provider.ts';
import { boundsOf } from '../ranges.ts';
import { wholeOf } from '../whole.ts';

const temporaryFolder = '~tmp';
/** Milliseconds after its last write when a temporary file is taken for left behind by a process that died. */
const temporaryLife = 24 * 3600 * 1000;
const pieceBytes = 256 * 1024;
/** How often a put makes its folder anew when somebody removes it, being empty, at the same moment. */
const folderTries = 5;
/** How many folders are remembered as durable; then they are forgotten and synced once more. */
const mostDurable = 1000;

export const directoryProvider: Provider = {
  scheme: 'file',
  usage: 'file:///PATH\n    A folder, on a file system with hard links.',
  faultOf,
  open: (url, parts) => openDirectory(fileURLToPath(url), parts),
};

/**
 * Makes the folder if need be. Rejects with a StoreError when that cannot be done, or its file system lacks hard links. A folder
 * that is there, and may only be read, is opened: then every put is denied.
 */
export async function openDirectory(path: string, { clock, ids }: Pick<StoreParts, 'clock' | 'ids'>): Promise<ObjectStore> {
  const store = new DirectoryStore(path, ids);
  try {
    await prepare(path, clock, store);
  } catch (error) {
    if (!(error instanceof StoreDenied && (await isFolder(path)))) throw error;
  }
  return store;
}

async function prepare(path: string, clock: Clock, store: DirectoryStore): Promise<void> {
  try {
    await makeFolder(join(path, temporaryFolder));
    await sweep(join(path, temporaryFolder), clock);
  } catch (error) {
    throw storeErrorOf(error, `${store.name}: cannot make the folder`);
  }
  await store.proveLinks();
}

async function isFolder(path: string): Promise<boolean> {
  return look(path).then(
    (found) => found?.isDirectory() ?? false,
    () => false,
  );
}

/** Undefined where nothing is. The end of the log is looked at by every reader, and an error for it would be half of what that costs. */
function look(path: string): Promise<Stats | undefined> {
  return stat(path, { throwIfNoEntry: false });
}

function faultOf(typed: string): string | undefined {
  const url = new URL(typed);
  // Parsed, file:x is file:///x; and what stands behind ? and # may be a secret.
  const shown = typed.replace(/[?#].*/s, '');
  if (!/^file:\//i.test(typed) || url.host !== '' || /[?#]/.test(typed) || url.pathname === '/')
    return `${shown}: a directory is named by file:///PATH, an absolute path without host, ? and #`;
  try {
    fileURLToPath(url);
    return undefined;
  } catch {
    return `${shown}: a % stands before two hexadecimal digits, as in %20 for a space, and is itself written %25`;
  }
}

/** Other processes make and remove files there meanwhile. */
async function sweep(folder: string, clock: Clock): Promise<void> {
  for (const name of await readdir(folder)) await sweepOne(join(folder, name), clock).catch(ignoreRemoved);
}

async function sweepOne(file: string, clock: Clock): Promise<void> {
  const { mtimeMs } = await stat(file);
  if (clock.now() - mtimeMs > temporaryLife) await unlink(file);
}

type Fill = (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

class DirectoryStore implements ObjectStore {
  readonly name: string;
  readonly #root: string;
  readonly #ids: Ids;
  /** Folders that are known to survive a loss of power. */
  readonly #durable = new Set<string>();

  constructor(root: string, ids: Ids) {
    this.name = `file://${root}`;
    this.#root = root;
    this.#ids = ids;
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    return this.#viaTemporary(key, signal, (write) => write(body));
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    const hash = createHash('sha256');
    let bytes = 0;
    const outcome = await this.#viaTemporary(key, signal, async (write) => {
      for await (const piece of interruptible(body, signal)) {
        hash.update(piece);
        bytes += piece.length;
        await write(piece);
      }
    });
    if (outcome === 'exists') throw new StoreConflict(`${this.name}: ${key} exists already`);
    return { bytes, sha256: hash.digest('hex') };
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    const { body } = await this.stream(key, signal, range);
    return wholeOf(body);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    const size = await this.size(key, signal);
    if (size === undefined) throw new StoreNotFound(`${this.name}: ${key} does not exist`);
    return { size, body: this.#pieces(key, boundsOf(key, size, range), signal) };
  }

  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    this.#check(key, signal);
    const found = await look(this.#path(key)).catch((error: unknown) => {
      const translated = storeErrorOf(error, `${this.name}: cannot read ${key}`);
      if (!(translated instanceof StoreNotFound)) throw translated;
    });
    if (found === undefined) await this.#proveRoot();
    return found?.isFile() ? found.size : undefined;
  }

  async *list(prefix: string, signal: AbortSignal, startAfter = ''): AsyncIterable<StoredKey> {
    checkPrefix(prefix);
    try {
      await this.#proveRoot();
      yield* listDirectory(this.#root, { prefix, startAfter, hidden: temporaryFolder }, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw storeErrorOf(error, `${this.name}: cannot list ${prefix}`);
    }
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    this.#check(key, signal);
    try {
      await unlink(this.#path(key));
      await this.#removeEmptyFolders(dirname(this.#path(key)));
    } catch (error) {
      const translated = storeErrorOf(error, `${this.name}: cannot delete ${key}`);
      if (!(translated instanceof StoreNotFound)) throw translated;
      await this.#proveRoot();
    }
  }

  /** Others may be at work in the folder for temporary files: then it stays. */
  async close(): Promise<void> {
    await rmdir(join(this.#root, temporaryFolder)).catch(() => {});
  }

  /** Rejects with a StoreError where files cannot be written or linked. */
  async proveLinks(): Promise<void> {
    const first = this.#temporary();
    const second = this.#temporary();
    try {
      await (await open(first, 'wx')).close();
    } catch (error) {
      throw storeErrorOf(error, `${this.name}: cannot write into the folder`);
    }
    try {
      await link(first, second);
    } catch (error) {
      throw new StoreError(`${this.name}: the file system makes no hard links (${codeOf(error)}), which Kylon needs`, { cause: error });
    } finally {
      await remove(first);
      await remove(second);
    }
  }

  async #viaTemporary(key: string, signal: AbortSignal, fill: Fill): Promise<'created' | 'exists'> {
    this.#check(key, signal);
    const temporary = this.#temporary();
    try {
      await this.#writeTemporary(temporary, key, fill);
      signal.throwIfAborted();
      return await this.#publish(temporary, key);
    } finally {
      await remove(temporary);
    }
  }

  /** Translates its own errors; those of `fill`, which may come from the source of an upload, pass as they are. */
  async #writeTemporary(temporary: string, key: string, fill: Fill): Promise<void> {
    const fail = (error: unknown) => {
      throw storeErrorOf(error, `${this.name}: cannot write ${key}`);
    };
    const file = await this.#openTemporary(temporary).catch(fail);
    try {
      await fill((bytes) => writeAll(file, bytes).catch(fail));
      await file.sync().catch(fail);
    } finally {
      await file.close().catch(fail);
    }
  }

  /** The folder is missing where a store that could only be read can be written again, and where another process has closed the store. */
  async #openTemporary(temporary: string): Promise<FileHandle> {
    for (let left = folderTries; ; left--) {
      try {
        return await open(temporary, 'wx');
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || left === 0) throw error;
        await this.#makeFolder(dirname(temporary));
      }
    }
  }

  async #publish(temporary: string, key: string): Promise<'created' | 'exists'> {
    const path = this.#path(key);
    try {
      await this.#linkInFolder(temporary, path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return this.#taken(path, key);
      throw storeErrorOf(error, `${this.name}: cannot write ${key}`);
    }
    try {
      await this.#makeDurable(dirname(path));
    } catch (error) {
      throw new StoreUnavailable(`${this.name}: ${key} was written, but may not survive a loss of power (${codeOf(error)})`, {
        cause: error,
      });
    }
    return 'created';
  }

  async #linkInFolder(temporary: string, path: string): Promise<void> {
    for (let left = folderTries; ; left--) {
      try {
        return await link(temporary, path);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || left === 0) throw error;
        await this.#makeFolder(dirname(path)).catch(ignoreRemoved);
      }
    }
  }

  /** Syncs a folder, and at its first use those above it: another process may just have made them. */
  async #makeDurable(folder: string): Promise<void> {
    await syncFolder(folder);
    if (this.#durable.has(folder)) return;
    for (let at = folder; at.length > this.#root.length; at = dirname(at)) await syncFolder(dirname(at));
    if (this.#durable.size === mostDurable) this.#durable.clear();
    this.#durable.add(folder);
  }

  async #taken(path: string, key: string): Promise<'exists'> {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory()) throw new StoreError(`${this.name}: cannot write ${key}: there are keys below it`);
    return 'exists';
  }

  async *#pieces(key: string, bounds: { readonly start: number; readonly end: number }, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = await open(this.#path(key)).catch((error: unknown) => {
      throw storeErrorOf(error, `${this.name}: cannot read ${key}`);
    });
    try {
      for (let at = bounds.start; at < bounds.end;) {
        signal.throwIfAborted();
        const piece = await readPiece(file, at, Math.min(pieceBytes, bounds.end - at), `${this.name}: cannot read ${key}`);
        at += piece.length;
        yield piece;
      }
    } finally {
      await file.close();
    }
  }

  async #removeEmptyFolders(folder: string): Promise<void> {
    if (folder.length <= this.#root.length) return;
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    this.#durable.delete(folder);
    if (removed) await this.#removeEmptyFolders(dirname(folder));
  }

  async #makeFolder(folder: string): Promise<void> {
    await this.#proveRoot();
    await makeFolder(folder);
  }

  /** Of a folder that was moved away or unmounted, nothing can be said to be missing, and a new one in its place would be another store. */
  async #proveRoot(): Promise<void> {
    if (!(await isFolder(this.#root))) throw new StoreUnavailable(`${this.name}: the folder is gone`);
  }

  #check(key: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    checkKey(key);
  }

  #path(key: string): string {
    return join(this.#root, key);
  }

  #temporary(): string {
    return join(this.#root, temporaryFolder, this.#ids.hex(16));
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
}

async function readPiece(file: FileHandle, at: number, length: number, what: string): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await file.read(buffer, 0, length, at).catch((error: unknown) => {
    throw storeErrorOf(error, what);
  });
  if (bytesRead === 0) throw new StoreUnavailable(`${what}: the file ends at ${at}, before its size`);
  return buffer.subarray(0, bytesRead);
}

/** Somebody removed it between two steps: a file is gone as it should be, a folder is made again by the next try. */
function ignoreRemoved(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

async function remove(temporary: string): Promise<void> {
  await unlink(temporary).catch(() => {});
}
