/** Watches: the guarantees of etcd, by the names that its robustness tests give them. */
import { StorageExpired, StorageUnavailable } from '../../src/machinery/storage.ts';
import type { StoredEvent, WatchQuery } from '../../src/machinery/storage.ts';
import type { Checked } from './checked.ts';
import { horizonAt } from './check-operations.ts';
import type { WatchSession } from './history.ts';
import { idOf } from './history.ts';
import type { Change } from './read-log.ts';

/** A watcher that is so far behind has to list again. */
const mostWaiting = 1000;

export function checkWatches(checked: Checked): void {
  for (const session of checked.history.watches) {
    const fail = (invariant: string, message: string) =>
      checked.fail(invariant, `watch ${session.id} at ${session.life} from ${session.query.since}: ${message}`);
    const wanted = checked.log.changes.filter(({ rv, key }) => rv > session.query.since && isWanted(key, session.query));
    checkEvents(session, wanted, fail);
    checkBookmarks(session, wanted, fail);
    checkEnd(checked, session, wanted, fail);
  }
}

type Fail = (invariant: string, message: string) => void;

function checkEvents({ events, query }: WatchSession, wanted: readonly Change[], fail: Fail): void {
  let last = query.since;
  for (const [i, { event }] of events.entries()) {
    const { rv, key } = event;
    if (!isWanted(key, query)) fail('A10 (Filterable)', `number ${rv} is of ${idOf(key)}`);
    if (rv === last) fail('A5 (Unique)', `number ${rv} comes twice`);
    if (rv < last) fail('A4 (Ordered)', `number ${rv} comes after ${last}`);
    last = rv;
    const change = wanted[i];
    if (change === undefined) return fail('A9 (Atomic)', `number ${rv} is not in the log`);
    if (change.rv !== rv) return fail('A6 (Reliable)', `number ${rv} comes where ${change.rv} should`);
    checkEvent(event, change, fail);
  }
}

const types = { create: 'ADDED', update: 'MODIFIED', delete: 'DELETED' } as const;

function checkEvent(event: StoredEvent, change: Change, fail: Fail): void {
  const json = change.op === 'delete' ? change.before : change.json;
  if (event.type !== types[change.op] || idOf(event.key) !== idOf(change.key) || event.json !== json)
    fail(
      'A9 (Atomic)',
      `number ${event.rv} is ${event.type} ${idOf(event.key)} ${event.json}, not ${change.op} ${idOf(change.key)} ${json}`,
    );
  if (event.before !== change.before)
    fail('A10 (before)', `number ${event.rv} has ${event.before} as the text before it, not ${change.before}`);
}

/** A8: whoever goes on from a bookmark misses nothing. */
function checkBookmarks({ bookmarks }: WatchSession, wanted: readonly Change[], fail: Fail): void {
  for (const { rv, events } of bookmarks) {
    const missing = wanted.slice(events).find((change) => change.rv <= rv);
    if (missing !== undefined) fail('A8 (Bookmarkable)', `a bookmark says ${rv}, and number ${missing.rv} was not delivered`);
  }
}

function checkEnd({ log, window }: Checked, { answer, events, query, end }: WatchSession, wanted: readonly Change[], fail: Fail): void {
  if (answer === undefined && events.length < wanted.length) fail('A6 (Reliable)', `number ${wanted[events.length]?.rv} never comes`);
  if (answer?.is !== 'error' || answer.error instanceof StorageUnavailable) return;
  if (!(answer.error instanceof StorageExpired)) return fail('A12', `ends with ${answer.error.name}: ${answer.error.message}`);
  const newest = log.rvAt(end);
  const isLate = newest - query.since > mostWaiting;
  const isOld = query.since < horizonAt(newest, window.changes);
  if (!isLate && !isOld) fail('A12', `was refused as too old: ${answer.error.message}`);
}

/** A11 and A7: a list and the watches that went on from it, one after the other, lead to what is there. */
export function checkInformers({ history, log, fail }: Checked): void {
  for (const { resource, namespace, objects, position } of history.informers) {
    const wanted = log.state(position, resource, namespace).map(({ key, rv, json }) => `${key.namespace}/${key.name} ${rv} ${json}`);
    const found = [...objects].map(([name, { rv, json }]) => `${name} ${rv} ${json}`).sort();
    if (found.join('\n') !== wanted.join('\n'))
      fail('A11', `an informer of ${resource} at ${position} has ${found.join(', ')}, not ${wanted.join(', ')}`);
  }
}

function isWanted(key: StoredEvent['key'], { resource, namespace }: WatchQuery): boolean {
  return key.resource === resource && (namespace === undefined || key.namespace === namespace);
}
