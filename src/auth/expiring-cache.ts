/** What was found out lately: bounded, each entry for a while only, the one not used for longest goes first. */
import type { Clock } from '../base/clock.ts';

export interface ExpiringCache<V> {
  get(key: string): V | undefined;
  /** `ms`: how long the value may be used. */
  set(key: string, value: V, ms: number): void;
}

export function createExpiringCache<V>(clock: Clock, bound: number): ExpiringCache<V> {
  const entries = new Map<string, { readonly value: V; readonly until: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      if (entry.until <= clock.monotonic()) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, ms) {
      entries.delete(key);
      entries.set(key, { value, until: clock.monotonic() + ms });
      for (const oldest of entries.keys()) {
        if (entries.size <= bound) break;
        entries.delete(oldest);
      }
    },
  };
}
