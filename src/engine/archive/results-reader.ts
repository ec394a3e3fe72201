/** Pages of the outcomes of a restore. A continue token is the offset of the next line. */
import { badRequest } from '../../machinery/errors.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreNotFound } from '../../objectstore/objectstore.ts';
import type { ItemResult, ResultPage } from '../../resources/services.ts';
import { ArchiveDamaged } from './archive.ts';
import type { ResultsReader } from './archive.ts';
import { logFile, resultsFile } from './files.ts';
import { storedFile } from './stored-file.ts';
import type { StoredFile } from './stored-file.ts';

const chunkBytes = 256 << 10;
const lineBreak = 0x0a;

/** Rejects with StoreNotFound where there are no results (yet). */
export async function openResults(store: ObjectStore, folder: string, signal: AbortSignal): Promise<ResultsReader> {
  const key = `${folder}/${resultsFile}`;
  const size = await store.size(key, signal);
  if (size === undefined) throw new StoreNotFound(`${key} does not exist`);
  const file = storedFile(store, key, size);
  return {
    page: (query, signal) => readPage(file, query, signal),
    log: async (signal) => Buffer.from(await store.read(`${folder}/${logFile}`, signal)).toString(),
  };
}

async function readPage(file: StoredFile, query: Parameters<ResultsReader['page']>[0], signal: AbortSignal): Promise<ResultPage> {
  const limit = Math.max(1, query.limit);
  const items: ItemResult[] = [];
  for await (const { result, next } of linesFrom(file, startOf(query.continue, file.bytes), signal)) {
    if (query.outcome === undefined || result.outcome === query.outcome) items.push(result);
    if (items.length === limit && next < file.bytes) return { items, continue: String(next) };
  }
  return { items, continue: '' };
}

/** Each result, with the offset of the one behind it. */
async function* linesFrom(file: StoredFile, start: number, signal: AbortSignal) {
  let rest = Buffer.alloc(0);
  for (let at = start, read = start; at < file.bytes;) {
    const chunk = await file.read(read, Math.min(chunkBytes, file.bytes - read), signal);
    if (chunk.length === 0) throw new ArchiveDamaged(`${file.key}: it ends in the middle of a line`);
    read += chunk.length;
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(lineBreak); end >= 0; end = rest.indexOf(lineBreak)) {
      const result = parse(file, at, rest.toString('utf8', 0, end));
      at += end + 1;
      rest = rest.subarray(end + 1);
      yield { result, next: at };
    }
  }
}

function parse(file: StoredFile, at: number, line: string): ItemResult {
  try {
    return JSON.parse(line) as ItemResult;
  } catch (error) {
    throw new ArchiveDamaged(`${file.key}: the line at ${at} is not JSON`, { cause: error });
  }
}

function startOf(token: string, size: number): number {
  const start = Number(token || 0);
  if (!/^\d*$/.test(token) || start > size) throw badRequest('continue key is not valid: it is not one that this server gave');
  return start;
}
