/** Opens a store that is there: a command that looks at one does not make it, though the server would. */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../base/lifetime.ts';
import type { OpenedStore, OpenParts } from '../objectstore/open.ts';
import { openStore } from '../objectstore/open.ts';
import { urlFault } from '../objectstore/url-fault.ts';
import { UsageError } from './exits.ts';

/** As openStore; rejects with UsageError where the URL can be that of no store, and where it names a folder that does not exist. */
export async function openExisting(url: string, parts: OpenParts, signal: AbortSignal): Promise<OpenedStore> {
  const fault = urlFault(url);
  if (fault !== undefined) throw new UsageError(`<url>: ${fault}`);
  const folder = folderOf(url);
  if (folder !== undefined) await checkFolder(url, folder);
  return openStore(url, parts, signal);
}

/** Undefined for another store. */
function folderOf(url: string): string | undefined {
  return new URL(url).protocol === 'file:' ? fileURLToPath(url) : undefined;
}

async function checkFolder(url: string, folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new Error(`${url}: there is no such folder, check the path (the server makes it at its first start): ${messageOf(error)}`);
  });
  if (!found.isDirectory()) throw new Error(`${url}: is not a folder`);
}
