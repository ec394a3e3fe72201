/**
 * Who carries out a run. Several replicas see the same object; status.run names the one whose write came first. A claim holds
 * as long as its object changes: its replica writes at least every `renewEvery`. One that has not changed for `staleAfter`, by the
 * clock of who looks, belongs to nobody any more. Wall clocks of different machines are never compared.
 */
import type { Clock } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { statusOf } from './run-status.ts';

export const renewEvery = 20_000;
const staleAfter = 60_000;

/** Who is named as the one who works on an object. */
export interface Claim {
  readonly id: string;
  readonly replica: string;
}

/** The claim on a run of the object, while it is carried out. */
const claimOfRun = (object: KubeObject): Claim | undefined => {
  const { run, phase } = statusOf(object);
  return phase === 'InProgress' ? run : undefined;
};

export interface ClaimParts {
  readonly clock: Clock;
  readonly replica: string;
  /** No other replica runs: whoever is named has died. */
  readonly singleReplica: boolean;
}

interface Sighting {
  readonly resourceVersion: string | undefined;
  readonly at: number;
}

export class Claims {
  readonly #parts: ClaimParts;
  readonly #claimOf: (object: KubeObject) => Claim | undefined;
  /** When each claim of another replica was first seen as it is now, by uid. */
  readonly #sightings = new Map<string, Sighting>();

  /** `claimOf` reads the claim of an object; of its run where left out. */
  constructor(parts: ClaimParts, claimOf = claimOfRun) {
    this.#parts = parts;
    this.#claimOf = claimOf;
  }

  /** Whether nobody works on the object, as far as this replica can tell. Own claims count as dead: ask only when not running. */
  isFree(object: KubeObject): boolean {
    const claim = this.#claimOf(object);
    const uid = object.metadata.uid ?? '';
    const held = claim !== undefined && claim.replica !== this.#parts.replica && !this.#parts.singleReplica;
    const free = !held || this.#isStale(uid, object.metadata.resourceVersion);
    if (free) this.#sightings.delete(uid);
    return free;
  }

  #isStale(uid: string, resourceVersion: string | undefined): boolean {
    const now = this.#parts.clock.monotonic();
    const seen = this.#sightings.get(uid);
    if (seen?.resourceVersion === resourceVersion && seen) return now - seen.at >= staleAfter;
    this.#sightings.set(uid, { resourceVersion, at: now });
    return false;
  }

  /** The object is gone or finished. */
  forget(uid: string): void {
    this.#sightings.delete(uid);
  }
}
