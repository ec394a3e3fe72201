/** A case of the fuzz: what is sent, and by whom. A function of seed and number and of nothing else. */
import { Random, seedOf } from '../simulation/random.ts';
import { bytesOf } from './draft.ts';
import type { Who } from './draft.ts';
import { mutate } from './mutate.ts';
import { noise } from './noise.ts';
import { usual } from './requests.ts';
import { groundOf } from './vocabulary.ts';

export interface Case {
  readonly number: number;
  readonly who: Who;
  readonly bytes: Buffer;
  /** Whether it is exactly one request: then there is exactly one answer, and the connection goes on. */
  readonly isOneRequest: boolean;
  readonly isHead: boolean;
  /** Its answer may have no end: what came of it first is looked at. */
  readonly mayStream: boolean;
  /** It may ask for more time, or a later number, than there is. */
  readonly mayTimeOut: boolean;
}

export function caseOf(seed: number, number: number): Case {
  const random = new Random(seedOf(seed, number));
  const who = random.chance(0.3) ? 'limited' : 'owner';
  const draft = usual(random, who, groundOf(number));
  for (let steps = Number(random.weighted(howMany)); steps > 0; steps--) mutate(random, draft);
  const isNoise = random.chance(0.03);
  const bytes = isNoise ? noise(random, draft) : bytesOf(draft);
  const query = draft.query.join('&');
  return {
    number,
    who,
    bytes,
    isOneRequest: !isNoise,
    isHead: draft.method === 'HEAD',
    mayStream: /watch|follow/i.test(draft.path + query),
    mayTimeOut: /timeout|resourceversion/i.test(query),
  };
}

/** Steps away from what is right. */
const howMany: Readonly<Record<'0' | '1' | '2' | '3' | '6', number>> = { 0: 15, 1: 45, 2: 22, 3: 10, 6: 8 };
