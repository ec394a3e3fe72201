/**
 * How many requests are worked on at once. Who comes above the bound gets 429 before anything was done, so that every
 * client may simply try again. https://github.com/kubernetes/apiserver/blob/master/pkg/server/filters/maxinflight.go
 */
import { tooManyRequests } from '../machinery/errors.ts';

export interface Limits {
  /** Senders not known yet: they may be waiting for the cluster's word on their token. */
  readonly arriving: number;
  readonly reading: number;
  readonly writing: number;
  /** Watches and downloads: they cost memory and no time. */
  readonly lasting: number;
  /** Of those who move volumes, who have a limit of their own and take nobody's place. */
  readonly moving: number;
}

export const usualLimits: Limits = { arriving: 1000, reading: 400, writing: 200, lasting: 10_000, moving: 400 };

export interface InFlight {
  /** A place among those, to be given back by disposing of it. Throws ApiError 429. */
  enter(kind: keyof Limits): Disposable;
}

export function createInFlight(limits: Limits): InFlight {
  const taken = { arriving: 0, reading: 0, writing: 0, lasting: 0, moving: 0 };
  return {
    enter(kind) {
      if (taken[kind] >= limits[kind]) throw tooManyRequests();
      taken[kind] += 1;
      return { [Symbol.dispose]: () => void (taken[kind] -= 1) };
    },
  };
}
