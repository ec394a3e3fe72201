/** The folder of --data: there, and one that files can be made in. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { Ids } from './base/ids.ts';
import { causeOf } from './base/system-errors.ts';
import { makeFolder } from './objectstore/folders.ts';
import { openLocal } from './objectstore/local.ts';
import type { ObjectStore } from './objectstore/objectstore.ts';

/** Bytes of the file that is made to see whether one can be: a full disk still makes empty ones. */
const sampleBytes = 4096;

/** Rejects with an error that names the flag, the folder, and what is wrong with it. */
export async function prepareDataFolder(data: string, ids: Ids): Promise<void> {
  const sample = join(data, `.sample-${ids.hex(8)}`);
  try {
    await makeFolder(data);
    await writeFile(sample, new Uint8Array(sampleBytes));
  } catch (error) {
    throw new Error(`--data: no files can be made in ${data}: ${causeOf(error)}`, { cause: error });
  } finally {
    await rm(sample, { force: true }).catch(() => {});
  }
}

/** Without what an earlier process has left there. */
export async function openScratch(folder: string, parts: { readonly clock: Clock; readonly ids: Ids }): Promise<ObjectStore> {
  await rm(folder, { recursive: true, force: true });
  return (await openLocal(folder, parts)).store;
}
