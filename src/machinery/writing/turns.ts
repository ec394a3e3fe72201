/**
 * Writers of one object in this process go one after the other: a patch without a resourceVersion must never end in a
 * conflict, however many there are at once. Writers in other processes still meet as conflicts of Storage.
 */
import { tooManyRequests } from '../errors.ts';

/** Waiting for one object. The next is told to come again later. */
const maxWaiting = 1000;

interface Line {
  waiting: number;
  last: Promise<unknown>;
}

interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>;
}

function createTurns(): Turns {
  const lines = new Map<string, Line>();
  return {
    async take(key, work) {
      const line = lines.get(key) ?? { waiting: 0, last: Promise.resolve() };
      if (line.waiting >= maxWaiting) throw tooManyRequests();
      lines.set(key, line);
      line.waiting += 1;
      const mine = line.last.then(work, work);
      line.last = mine.catch(() => {});
      try {
        return await mine;
      } finally {
        line.waiting -= 1;
        if (line.waiting === 0) lines.delete(key);
      }
    },
  };
}

const turnsOf = new WeakMap<object, Turns>();

/** The turns of all who write to this storage. */
export function turnsFor(storage: object): Turns {
  const known = turnsOf.get(storage);
  if (known) return known;
  const made = createTurns();
  turnsOf.set(storage, made);
  return made;
}
