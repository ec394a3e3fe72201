/** Where the engine keeps what: a folder for each object by its uid, in it one for each run, which no other run uses. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { inParallel } from '../parallel.ts';

/** The kinds of work that may leave files. */
export const runWords = ['backup', 'restore', 'snapshot'] as const;
export type RunWord = (typeof runWords)[number];

/** Everything of one kind; ends with a slash. */
export const wordFolder = (domain: string, word: RunWord) => `d/${domain}/${word}s/`;

/** Everything of one object; ends with a slash. */
export const objectFolder = (domain: string, word: RunWord, uid: string) => `${wordFolder(domain, word)}${uid}/`;

/** As archive/ takes it, and as a key prefix once a slash follows. */
export const runFolder = (domain: string, word: RunWord, uid: string, run: string) => `${objectFolder(domain, word, uid)}${run}`;

const deletionsAtOnce = 8;

/** Deletes every file whose key begins with `prefix`, but those that are kept. */
export async function removeFiles(
  store: ObjectStore,
  prefix: string,
  signal: AbortSignal,
  isKept: (key: string) => boolean = () => false,
): Promise<void> {
  await inParallel(store.list(prefix, signal), deletionsAtOnce, async ({ key }) => {
    if (!isKept(key)) await store.delete(key, signal);
  });
}
