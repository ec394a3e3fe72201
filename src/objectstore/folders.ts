/** Folders of the file system: making them, making sure that they last, and where they really are. */
import { lstat, mkdir, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../base/system-errors.ts';
import { storeErrorOf } from './file-errors.ts';
import { StoreError } from './objectstore.ts';

/**
 * Makes a folder and those above it. Not mkdir({ recursive }) of Node: that never ends where a file system answers ENOENT
 * though the parent is there, as /proc does.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeOne(folder);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await makeOne(folder);
  }
}

async function makeOne(folder: string): Promise<void> {
  await mkdir(folder).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

/** The names in a folder survive a loss of power from here on. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** An absolute path without symbolic links. What is not there yet is taken for what will be made. Rejects with a StoreError. */
export async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw storeErrorOf(error, `${path} cannot be looked up`);
    if (await isThere(path)) throw new StoreError(`${path} is a symbolic link to what is not there`, { cause: error });
    return join(await realPath(dirname(path)), basename(path));
  }
}

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );
