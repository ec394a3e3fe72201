/**
 * Proves at the start that a store keeps its promises, under keys that nobody else uses. Some stores accept a conditional
 * write and ignore the condition: on those, acknowledged writes would be lost.
 *
 * Each promise is a step of probe-steps.ts. A step of which an answer was lost proves nothing, neither good nor bad: it is done
 * again, under other keys, because the lost request may still arrive.
 */
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectStore } from '../objectstore.ts';
import { StoreDenied, StoreError, StoreUnavailable } from '../objectstore.ts';
import type { Scene, Step } from './probe-steps.ts';
import { BrokenPromise, steps } from './probe-steps.ts';

/** How often a step is tried, and milliseconds between the first two tries; then twice as long each time. */
const tries = 5;
const firstPause = 100;
/** Milliseconds after which what is left of a probe is taken for that of a dead process. Long, since clocks may differ by days. */
const life = 7 * 24 * 3600 * 1000;
/** How many objects of dead processes are removed at one start. */
const mostSwept = 1000;
/** Of all keys of probes; followed by the time of the probe in milliseconds, and an id. */
export const probePrefix = 'probe/';

export interface ProbeParts {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told each promise as soon as it is proved. */
  readonly onProof?: (proved: string) => void;
}

export interface Probed {
  /** Why nothing can be written; undefined where the store keeps all its promises. */
  readonly denied: string | undefined;
}

/** Rejects with a StoreError that says what the store did wrong. Deletes what it made. */
export async function probe(store: ObjectStore, { clock, ids, onProof = () => {} }: ProbeParts, signal: AbortSignal): Promise<Probed> {
  const old = await remains(store, clock, signal);
  onProof('it can be listed');
  const site = new Site(store, `${probePrefix}${clock.now()}-${ids.hex(16)}`, signal);
  const denied = await denialOf(site.scene());
  if (denied !== undefined) return { denied };
  try {
    await proveAll(site, clock, onProof, signal);
    await site.clear(old);
    onProof('what is deleted is gone');
    return { denied: undefined };
  } catch (error) {
    await site.clear(old).catch(() => {});
    if (signal.aborted || (error instanceof StoreError && !(error instanceof BrokenPromise))) throw error;
    throw new StoreError(`${store.name} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** What one probe makes in the store. */
class Site {
  readonly #store: ObjectStore;
  readonly #signal: AbortSignal;
  readonly #folder: string;
  readonly #made = new Set<string>();
  #scenes = 0;

  constructor(store: ObjectStore, folder: string, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Untouched so far. */
  scene(): Scene {
    const folder = `${this.#folder}/${this.#scenes++}/`;
    const keyOf = (name: string) => {
      this.#made.add(`${folder}${name}`);
      return `${folder}${name}`;
    };
    return { store: this.#store, signal: this.#signal, folder, keyOf };
  }

  /** Deletes all of it, and `others` too. */
  async clear(others: readonly string[]): Promise<void> {
    const keys = [...this.#made];
    await Promise.all([...keys, ...others].map((key) => this.#store.delete(key, this.#signal)));
    for await (const { key } of this.#store.list(`${this.#folder}/`, this.#signal))
      if (this.#made.has(key)) throw new BrokenPromise('it still lists an object that was just deleted');
    const sizes = await Promise.all(keys.map((key) => this.#store.size(key, this.#signal)));
    if (sizes.some((size) => size !== undefined)) throw new BrokenPromise('it still has an object that was just deleted');
  }
}

/** What dead processes left. */
async function remains(store: ObjectStore, clock: Clock, signal: AbortSignal): Promise<readonly string[]> {
  const old: string[] = [];
  for await (const { key } of store.list(probePrefix, signal)) {
    const since = Number(/^probe\/([0-9]{13})-/.exec(key)?.[1]);
    if (clock.now() - since > life && old.push(key) === mostSwept) break;
  }
  return old;
}

/** Why nothing can be written, once it is sure that the store can be read. */
async function denialOf({ store, signal, folder, keyOf }: Scene): Promise<string | undefined> {
  try {
    await store.putIfAbsent(keyOf('rights'), new Uint8Array(), signal);
  } catch (error) {
    if (error instanceof StoreDenied) {
      await store.size(`${folder}none`, signal);
      return error.message;
    }
    if (!(error instanceof StoreUnavailable)) throw error;
  }
  return undefined;
}

/** All at once, since a start waits for them. Nothing of them goes on behind the end, whatever that is. */
async function proveAll(site: Site, clock: Clock, onProof: (proved: string) => void, signal: AbortSignal): Promise<void> {
  const proofs = steps.map((step) => prove(step, site, clock, signal));
  const ended = Promise.allSettled(proofs);
  try {
    for (const [index, { promise }] of steps.entries()) {
      await proofs[index];
      onProof(promise);
    }
  } finally {
    await ended;
  }
}

async function prove(step: Step, site: Site, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await step.prove(site.scene());
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || tried === tries) throw error;
      await clock.sleep(firstPause * 2 ** (tried - 1), signal);
    }
  }
}
