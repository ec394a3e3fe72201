/** Follows what was listed: each change as it happens, over as many watches as that takes. */
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { isAway } from '../api/away.ts';
import { Refusal } from '../api/refusal.ts';
import type { Shell } from '../shell.ts';
import { collectionOf } from './kind.ts';
import { queryOf, readObjects } from './reading.ts';
import type { Choice } from './reading.ts';
import { tableAccept } from './tables.ts';
import type { Row, Table } from './tables.ts';

interface From {
  readonly resourceVersion: string;
  /** As rows of the Table, or as objects. */
  readonly show: { readonly table: (row: Row) => Promise<void> } | { readonly object: (object: KubeObject) => Promise<void> };
}

const pause = 1_000;
const gone = 410;

/** Until the signal aborts, or the server refuses. */
export async function watchChanges({ clock, signal }: Shell, api: Api, choice: Choice, { resourceVersion, show }: From): Promise<void> {
  for (let seen = resourceVersion; ;) {
    try {
      for await (const object of changesOf(api, choice, show, seen, signal)) seen = (await shownAt(show, object)) ?? seen;
    } catch (error) {
      if (error instanceof Refusal && error.status === gone) seen = await current(api, choice, signal);
      else if (!isAway(error)) throw error;
    }
    await clock.sleep(pause, signal);
  }
}

async function* changesOf(api: Api, choice: Choice, show: From['show'], resourceVersion: string, signal: AbortSignal) {
  const headers = 'table' in show ? { Accept: tableAccept } : {};
  const request = { path: collectionOf(choice.kind, choice.namespace), headers, query: { ...queryOf(choice), resourceVersion } };
  for await (const { object } of api.watch(request, signal)) yield object;
}

/** Shows it, and tells its number. */
async function shownAt(show: From['show'], object: unknown): Promise<string | undefined> {
  if ('object' in show) {
    await show.object(object as KubeObject);
    return (object as KubeObject).metadata.resourceVersion;
  }
  const { rows } = object as Table;
  for (const row of rows) await show.table(row);
  return rows.at(-1)?.object?.metadata?.resourceVersion;
}

/** History that the server has forgotten is not shown. */
async function current(api: Api, choice: Choice, signal: AbortSignal): Promise<string> {
  return (await readObjects(api, choice, signal)).resourceVersion;
}
