/** A place that is not there, and somebody who may not go there: each is said, and never taken for an empty store. */
import { expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreError, StoreNotFound, StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { required } from './skips.ts';
import { bytes, collect, signal } from './subject.ts';
import type { Subject } from './subject.ts';

const operations: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['putIfAbsent', (store) => store.putIfAbsent('k', bytes('x'), signal)],
  ['read', (store) => store.read('k', signal)],
  ['stream', (store) => store.stream('k', signal)],
  ['list', (store) => collect(store.list('', signal))],
];

export function describePlaces(subject: Subject): void {
  it.for(operations)('says that its place is not there when it is opened, or at %s', async ([, operation], context) => {
    const missing = required(context, subject.made, 'a place', subject.made.missing);
    const fault = await outcome(missing, operation);
    expect(fault).toBeInstanceOf(StoreError);
    // An absent key is a fact about a store that is there; and what may pass would be waited for.
    expect(fault).not.toBeInstanceOf(StoreNotFound);
    expect(fault).not.toBeInstanceOf(StoreUnavailable);
  });

  it.for(operations)('says that it does not know who asks when it is opened, or at %s', async ([, operation], context) => {
    const stranger = required(context, subject.made, 'credentials', subject.made.wrongCredentials);
    expect(await outcome(stranger, operation)).toBeInstanceOf(StoreDenied);
  });
}

/** What comes of opening a store and using it. */
async function outcome(open: () => Promise<ObjectStore>, operation: (store: ObjectStore) => Promise<unknown>): Promise<unknown> {
  try {
    const store = await open();
    try {
      return await operation(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    return error;
  }
}
