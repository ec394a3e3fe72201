/** One request to Azure: with a deadline, and with its errors in the terms of an object store. */
import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/lifetime.ts';
import type { AzurePlace } from './azure-errors.ts';
import { azureErrorOf } from './azure-errors.ts';
import { StoreUnavailable } from '../objectstore.ts';

interface AzureRequest {
  /** What is done, as it stands behind "cannot". */
  readonly doing: string;
  /** That go up with it, and so lengthen its deadline. */
  readonly bytes?: number;
}

/** Rejects with a StoreError, or with the reason of `signal`. */
export type SendToAzure = <T>(request: AzureRequest, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** Milliseconds that Azure has for an answer, beside what the bytes need on a slow line. */
const patience = 60_000;
const slowestBytesPerSecond = 64 * 1024;

export function azureSender(place: AzurePlace, clock: Clock): SendToAzure {
  return async ({ doing, bytes = 0 }, signal, work) => {
    const ms = patience + (bytes / slowestBytesPerSecond) * 1000;
    const late = () => new StoreUnavailable(`${place.name}: cannot ${doing}: no answer for ${Math.round(ms / 1000)} s`);
    try {
      return await withDeadline(clock, ms, signal, late, work);
    } catch (error) {
      signal.throwIfAborted();
      throw azureErrorOf(error, place, doing);
    }
  };
}
