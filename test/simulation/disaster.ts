/** The store goes back to an older state, is emptied, or loses its oldest objects; and comes back whole in the end. */
import type { Frame } from './actions.ts';
import type { Bucket } from './bucket.ts';
import type { Random } from './random.ts';
import { domain } from './replica.ts';

export const logFolder = `d/${domain}/log/`;

export interface Disaster {
  readonly how: 'goes back' | 'is emptied' | 'is eaten';
  /** How many segments are lost, the newest or the oldest. */
  readonly segments: number;
  /** What becomes of each replica then: it runs on, is started again, or is started again without its index. */
  readonly replicas: readonly ('runs on' | 'restarts' | 'loses its index')[];
}

export function drawDisaster(random: Random, { replicas }: Frame): Disaster {
  return {
    how: random.pick(['goes back', 'goes back', 'is emptied', 'is eaten']),
    segments: random.pick([1, 1, 2, 5]),
    replicas: Array.from({ length: replicas }, () => random.pick(['runs on', 'restarts', 'loses its index'])),
  };
}

/** Takes objects out of the bucket, and gives them back to be put in again. */
export function strike({ how, segments }: Disaster, bucket: Bucket): ReadonlyMap<string, Uint8Array> {
  const log = bucket.keys(logFolder, '');
  const lost = { 'goes back': log.slice(-segments), 'is emptied': [...bucket.objects.keys()], 'is eaten': log.slice(0, segments) }[how];
  const objects = new Map(lost.map((key) => [key, bucket.objects.get(key)!]));
  for (const key of lost) bucket.objects.delete(key);
  return objects;
}
