/** A store whose requests for segments fail as those of a network do. */
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreFull, StoreUnavailable } from '../../src/objectstore/objectstore.ts';

/**
 * `lost`: done, but the answer is lost. `dropped`: not done. `delayed`: fails, and is done later. `full`, `denied`: refused.
 * `hangs`: never answers.
 */
export type PutFault = 'ok' | 'lost' | 'dropped' | 'delayed' | 'full' | 'denied' | 'hangs';

export interface Faults {
  /** What happens to the next put of a segment. */
  put(): PutFault;
  /** Whether the next read of a segment fails. */
  read(): boolean;
  /** Milliseconds until a delayed put is done. */
  readonly delay: number;
}

export class Unreliable {
  readonly store: ObjectStore;
  /** Those that are still on their way. */
  readonly delayed: Promise<unknown>[] = [];

  constructor(right: ObjectStore, faults: Faults) {
    const { delayed } = this;
    const later = async (key: string, body: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, faults.delay));
      await right.putIfAbsent(key, body, AbortSignal.any([]));
    };
    const putIfAbsent: ObjectStore['putIfAbsent'] = async (key, body, signal) => {
      const fault = key.endsWith('.seg') ? faults.put() : 'ok';
      if (fault === 'full') throw new StoreFull(`${key}: no room`);
      if (fault === 'denied') throw new StoreDenied(`${key}: no rights`);
      if (fault === 'hangs') return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      if (fault === 'delayed') delayed.push(later(key, body));
      if (fault === 'ok' || fault === 'lost') {
        const outcome = await right.putIfAbsent(key, body, signal);
        if (fault === 'ok') return outcome;
      }
      throw new StoreUnavailable(`${key}: ${fault}`);
    };
    const read: ObjectStore['read'] = async (key, signal, range) => {
      if (key.endsWith('.seg') && faults.read()) throw new StoreUnavailable(`${key}: reset`);
      return right.read(key, signal, range);
    };
    const changed: Partial<ObjectStore> = { putIfAbsent, read };
    this.store = new Proxy(right, {
      get: (target, name: keyof ObjectStore) => {
        const method = changed[name] ?? target[name];
        return typeof method === 'function' ? method.bind(target) : method;
      },
    });
  }
}

/** Faults one after the other, while that is wanted; then none. */
export function inTurn(puts: readonly PutFault[], reads: readonly boolean[] = [], state = { isFailing: true }): Faults {
  const [nextPuts, nextReads] = [puts.values(), reads.values()];
  return {
    put: () => (state.isFailing ? (nextPuts.next().value ?? 'ok') : 'ok'),
    read: () => state.isFailing && (nextReads.next().value ?? false),
    delay: 5,
  };
}
