/** The storage of these tests is none worse than the real one. */
import { describe } from 'vitest';
import { describeStorage } from '../conformance/storage.ts';
import { MemoryStorage } from './memory-storage.ts';

const historyKept = 2000;

describe('the storage in memory', () =>
  describeStorage((clock) => {
    const first = new MemoryStorage(clock, historyKept);
    const second = new MemoryStorage(clock, historyKept, first);
    const close = () => Promise.resolve(first.close());
    return Promise.resolve({ processes: [first, second], historyKept, close, destroy: close });
  }));
