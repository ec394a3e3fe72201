/** Checks changes one after the other against the state and those before them, as if each had come alone. */
import type { Change } from '../../machinery/storage.ts';
import { StorageConflict, StorageExists, StorageMissing } from '../../machinery/storage.ts';
import type { Head, Version } from '../state/apply.ts';
import { Overlay } from '../state/apply.ts';
import type { LogRecord } from '../log/record.ts';

export interface Staged {
  readonly head: Head;
  /** Of the changes that may be done. */
  readonly records: readonly LogRecord[];
  /** For every change: the number that it gets, or why it may not be done. True only while `head` is the newest. */
  readonly replies: readonly (number | Error)[];
}

export function stage(changes: readonly Change[], head: Head, current: (key: Change['key']) => Version | undefined): Staged {
  const state = new Overlay(current);
  const records: LogRecord[] = [];
  const replies = changes.map((change) => {
    const before = state.get(change.key);
    const refusal = refusalOf(change, before);
    if (refusal !== undefined) return refusal;
    const json = change.op === 'delete' ? '' : change.json;
    const rv = head.rv + records.push({ op: change.op, key: change.key, prev: before?.rv ?? 0, json });
    state.set(change.key, change.op === 'delete' ? undefined : { rv, json });
    return rv;
  });
  return { head, records, replies };
}

function refusalOf(change: Change, before: Version | undefined): Error | undefined {
  const { resource, namespace, name } = change.key;
  const what = `${resource} ${namespace === '' ? name : `${namespace}/${name}`}`;
  if (change.op === 'create') return before === undefined ? undefined : new StorageExists(`${what} exists already`);
  if (before === undefined) return new StorageMissing(`${what} does not exist`);
  return before.rv === change.expect ? undefined : new StorageConflict(`${what} is at number ${before.rv}, not ${change.expect}`);
}
