/** The list of the files of one kind, in both versions of the protocol: names, or names and sizes. */
import type { ObjectStore, StoredKey } from '../../objectstore/objectstore.ts';
import { isFileId } from '../paths.ts';
import type { RepositoryAnswer } from './exchange.ts';

const version1 = 'application/vnd.x.restic.rest.v1';
const version2 = 'application/vnd.x.restic.rest.v2';
/** Files that go out at once. */
const pageFiles = 1000;

/** `folder` is all of one kind. Rejects with a StoreError before the first page, and its body after that. */
export async function listFiles(store: ObjectStore, folder: string, accept: string, signal: AbortSignal): Promise<RepositoryAnswer> {
  const type = accept === version2 ? version2 : version1;
  const files = store.list(folder, signal)[Symbol.asyncIterator]();
  const first = await nextPage(files);
  return { status: 200, headers: { 'Content-Type': type }, body: jsonArray(first, files, type === version2) };
}

type Page = readonly StoredKey[];

async function* jsonArray(first: Page, rest: AsyncIterator<StoredKey>, withSizes: boolean): AsyncGenerator<string> {
  try {
    yield '[';
    let separator = '';
    for (let page = first; page.length > 0; page = page.length < pageFiles ? [] : await nextPage(rest)) {
      const texts = page.flatMap((stored) => textOf(stored, withSizes) ?? []);
      if (texts.length === 0) continue;
      yield separator + texts.join(',');
      separator = ',';
    }
    yield ']';
  } finally {
    await rest.return?.();
  }
}

async function nextPage(files: AsyncIterator<StoredKey>): Promise<Page> {
  const page: StoredKey[] = [];
  while (page.length < pageFiles) {
    const next = await files.next();
    if (next.done) break;
    page.push(next.value);
  }
  return page;
}

/** Undefined for what is no file of a repository. */
function textOf({ key, size }: StoredKey, withSizes: boolean): string | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (!isFileId(name)) return undefined;
  return JSON.stringify(withSizes ? { name, size } : name);
}
