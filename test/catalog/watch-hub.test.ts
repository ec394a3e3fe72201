import { describe, expect, it } from 'vitest';
import { WatchHub } from '../../src/catalog/reading/watch-hub.ts';
import type { StoredEvent } from '../../src/machinery/storage.ts';
import { StorageExpired } from '../../src/machinery/storage.ts';

const MiB = 1024 * 1024;
const event = (rv: number, size: number): StoredEvent => ({
  rv,
  type: 'MODIFIED',
  key: { resource: 'things', namespace: 'n', name: 'a' },
  json: 'x'.repeat(size),
  before: 'x'.repeat(size),
});

const charactersOf = (events: readonly StoredEvent[]) =>
  events.reduce((sum, { json, before = '' }) => sum + json.length + before.length, 0);

/** The numbers of the events that a watcher gets which looks only now; undefined where it has to list again. */
async function received(hub: WatchHub, offer: (hub: WatchHub) => void, count: number): Promise<readonly number[] | undefined> {
  const stop = new AbortController();
  const watcher = hub.add({ resource: 'things', since: 0 });
  offer(hub);
  const numbers: number[] = [];
  try {
    for await (const events of watcher.events(stop.signal)) {
      expect(charactersOf(events.slice(1))).toBeLessThanOrEqual(128 * 1024);
      if (numbers.push(...events.map(({ rv }) => rv)) === count) stop.abort();
    }
    return numbers;
  } catch (error) {
    expect(error).toBeInstanceOf(StorageExpired);
    return undefined;
  }
}

describe('a watcher that falls behind', () => {
  const offering = (count: number, size: number) => (hub: WatchHub) => {
    for (let rv = 1; rv <= count; rv++) hub.publish([event(rv, size)], rv);
  };

  it('gets all that waits for it', async () => {
    expect(await received(new WatchHub(), offering(1000, 10), 1000)).toHaveLength(1000);
    expect(await received(new WatchHub(), offering(30, MiB), 30)).toHaveLength(30);
  });

  it('by too many changes has to list again', async () => {
    expect(await received(new WatchHub(), offering(1001, 10), 1001)).toBeUndefined();
  });

  it('by changes that are too large together has to list again', async () => {
    expect(await received(new WatchHub(), offering(33, MiB), 33)).toBeUndefined();
  });

  it('may get as much as it likes while it keeps up', async () => {
    const hub = new WatchHub();
    const stop = new AbortController();
    const events = hub.add({ resource: 'things', since: 0 }).events(stop.signal);
    for (let rv = 1; rv <= 40; rv++) {
      hub.publish([event(rv, MiB)], rv);
      expect((await events.next()).value).toMatchObject([{ rv }]);
    }
    stop.abort();
  });
});
