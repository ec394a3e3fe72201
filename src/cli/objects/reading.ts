/** Reads objects, or the Table of them: by name, or all that selectors choose, page by page. */
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { Refusal } from '../api/refusal.ts';
import type { Kind } from './kind.ts';
import { collectionOf, pathOf } from './kind.ts';
import { tableAccept } from './tables.ts';
import type { Table } from './tables.ts';

export interface Choice {
  readonly kind: Kind;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** None: all. */
  readonly names: readonly string[];
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

interface List<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** What was found; and for each name that was not, why. */
export interface Found<T> {
  readonly found: readonly T[];
  readonly refusals: readonly Refusal[];
  /** At which all of it is true; empty where there are several names. */
  readonly resourceVersion: string;
}

const pageSize = '500';

export async function readObjects(api: Api, choice: Choice, signal: AbortSignal): Promise<Found<KubeObject>> {
  if (choice.names.length > 0) {
    const read = await readEach(choice, (path) => api.json<KubeObject>({ path }, signal));
    return { ...read, resourceVersion: onlyOf(read.found)?.metadata.resourceVersion ?? '' };
  }
  const found: KubeObject[] = [];
  let resourceVersion = '';
  for await (const list of pages<List<KubeObject>>(api, choice, {}, signal)) {
    found.push(...list.items);
    resourceVersion = list.metadata?.resourceVersion ?? '';
  }
  return { found, refusals: [], resourceVersion };
}

export async function readTables(api: Api, choice: Choice, signal: AbortSignal): Promise<Found<Table>> {
  const headers = { Accept: tableAccept };
  if (choice.names.length > 0) {
    const read = await readEach(choice, (path) => api.json<Table>({ path, headers }, signal));
    return { ...read, resourceVersion: onlyOf(read.found)?.metadata?.resourceVersion ?? '' };
  }
  const found: Table[] = [];
  for await (const table of pages<Table>(api, choice, headers, signal)) found.push(table);
  return { found, refusals: [], resourceVersion: found.at(-1)?.metadata?.resourceVersion ?? '' };
}

/** What a list and its watch have in common. */
export function queryOf({ names, labelSelector, fieldSelector }: Choice): Record<string, string | undefined> {
  const [name] = names;
  return { labelSelector, fieldSelector: name === undefined ? fieldSelector : `metadata.name=${name}` };
}

async function readEach<T>({ kind, namespace = '', names }: Choice, read: (path: string) => Promise<T>) {
  const found: T[] = [];
  const refusals: Refusal[] = [];
  for (const name of names) {
    try {
      found.push(await read(pathOf(kind, namespace, name)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error);
    }
  }
  return { found, refusals };
}

async function* pages<T extends Pick<List<unknown>, 'metadata'>>(
  api: Api,
  choice: Choice,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncIterable<T> {
  const path = collectionOf(choice.kind, choice.namespace);
  let token: string | undefined;
  do {
    const page: T = await api.json<T>({ path, headers, query: { ...queryOf(choice), limit: pageSize, continue: token } }, signal);
    yield page;
    token = page.metadata?.continue || undefined;
  } while (token !== undefined);
}

const onlyOf = <T>(found: readonly T[]): T | undefined => (found.length === 1 ? found[0] : undefined);
