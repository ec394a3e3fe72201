/** An anchor in a file of the local disk, apart from the index: what loses the one does not lose the other. */
import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../base/lifetime.ts';
import { codeOf } from '../../base/system-errors.ts';
import { makeFolder, syncFolder } from '../../objectstore/folders.ts';
import type { Anchor, AnchorPoint } from './anchor.ts';

/** Where the anchor of a log is kept in the data folder of a replica. `storeName` is the name of the ObjectStore. */
export function anchorFile(data: string, storeName: string, domain: string): string {
  return join(data, 'anchor', `${logName(storeName, domain)}.json`);
}

/** Where its index is kept. */
export function indexFolder(data: string, storeName: string, domain: string): string {
  return join(data, 'index', logName(storeName, domain));
}

/** Of what a process needs for a while. */
export function scratchFolder(data: string, storeName: string, domain: string): string {
  return join(data, 'scratch', logName(storeName, domain));
}

/** Another URL is another place, whose log was never seen. */
function logName(storeName: string, domain: string): string {
  return `${domain}-${createHash('sha256').update(storeName).digest('hex').slice(0, 16)}`;
}

/** Written whole or not at all, also at a loss of power. */
export function fileAnchor(file: string): Anchor {
  return {
    read: async (signal) => {
      const text = await readFile(file, { encoding: 'utf8', signal }).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw fault(file, `cannot be read: ${messageOf(error)}`);
      });
      return text === undefined ? undefined : parse(file, text);
    },
    write: async (point, signal) => {
      signal.throwIfAborted();
      await makeFolder(dirname(file));
      await writeDurably(`${file}.new`, `${JSON.stringify(point)}\n`);
      await rename(`${file}.new`, file);
      await syncFolder(dirname(file));
    },
  };
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parse(file: string, text: string): AnchorPoint {
  try {
    const { store, n, hash, rv } = JSON.parse(text) as AnchorPoint;
    if (typeof store === 'string' && Number.isSafeInteger(n) && typeof hash === 'string' && Number.isSafeInteger(rv))
      return { store, n, hash, rv };
  } catch {
    // Said below.
  }
  throw fault(file, 'is damaged');
}

function fault(file: string, what: string): Error {
  return new Error(
    `the anchor ${file}, which remembers how far the log was seen, ${what}; mend it, or delete it if you know that the store has not gone back`,
  );
}
