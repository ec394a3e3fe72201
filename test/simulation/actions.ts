/** What can happen in a history, and how it is drawn. */
import type { RequestKind } from './mishaps.ts';
import { mishaps } from './mishaps.ts';
import type { Random } from './random.ts';

/** Which number a client changes from: it asks first, or takes the newest that anybody was told, or an older one. */
export type Freshness = 'asked' | 'known' | 'old';
export type IndexLoss = 'lost' | 'power' | 'torn' | 'foreign' | 'damaged';
export type StormKind = 'mixed' | 'errors' | 'outage' | 'filling';

interface AtReplica {
  /** Its place among the replicas. */
  readonly replica: number;
}
interface OnKey extends AtReplica {
  /** Its place among the keys. */
  readonly key: number;
}
interface Scope extends OnKey {
  /** All namespaces, not that of the key alone. */
  readonly wide: boolean;
  /** How many numbers before the newest. */
  readonly back: number;
}
interface Patient extends OnKey {
  /** Milliseconds until the caller goes away; 0 for one that waits. */
  readonly patience: number;
}

/** The rest by the name of what is done; `ms` and `down` are milliseconds. */
interface Actions {
  create: Patient & { readonly count: number };
  update: Patient & { readonly from: Freshness };
  delete: Patient & { readonly from: Freshness };
  race: { readonly key: number };
  get: OnKey & { readonly count: number; readonly gap: number };
  peek: OnKey;
  list: Scope & { readonly at: 'latest' | 'any' | 'known' | 'exact'; readonly limit: number };
  latest: AtReplica;
  /** A list, so many changes of one of its objects, and the list at that number again, as a reader of pages who is slow asks for it. */
  reread: Scope & { readonly changes: number };
  watch: Scope & { readonly length: number };
  /** Watches begin while an object changes so many times. */
  join: Scope & { readonly changes: number; readonly length: number };
  /**
   * What was written at another replica is asked for at once, of one that looks at the log for others all the while, and gets an
   * answer of the store so many milliseconds late.
   */
  relay: OnKey & { readonly late: number };
  kill: AtReplica & { readonly down: number };
  stop: AtReplica & { readonly down: number };
  pause: AtReplica & { readonly ms: number };
  index: AtReplica & { readonly how: IndexLoss; readonly amount: number; readonly down: number };
  clock: AtReplica & { readonly ms: number };
  arm: AtReplica & {
    readonly kind: RequestKind;
    readonly name: string;
    readonly part: string;
    readonly ms: number;
    readonly skip: number;
    /** What the next read of the log meets as well, by its name. */
    readonly read: string;
    /** What the put behind this one meets, by its name: what is tried again may fail in another way. */
    readonly again: string;
  };
  disk: AtReplica & { readonly how: 'full' | 'disk full' | 'dies before' | 'dies after'; readonly ms: number };
  storm: AtReplica & { readonly ms: number; readonly rate: number; readonly how: StormKind };
}

export type ActionName = keyof Actions;
export type Action<Name extends ActionName = ActionName> = { [N in Name]: { readonly do: N } & Actions[N] }[Name];

/** What the draws of one history have in common. */
export interface Frame {
  readonly replicas: number;
  readonly keys: number;
  /** Milliseconds of a long time. */
  readonly long: number;
}

const second = 1000;

/** How often each is drawn, where a history has it at all. */
export const weights: Readonly<Record<ActionName, number>> = {
  create: 10,
  update: 10,
  delete: 4,
  race: 3,
  get: 8,
  peek: 2,
  list: 8,
  latest: 2,
  reread: 2,
  watch: 4,
  join: 2,
  relay: 2,
  kill: 2,
  stop: 1,
  pause: 2,
  index: 2,
  clock: 1,
  arm: 14,
  disk: 2,
  storm: 2,
};

const draws: { readonly [Name in ActionName]: (random: Random, frame: Frame) => Actions[Name] } = {
  create: (random, frame) => ({ ...patient(random, frame), count: random.pick([1, 1, 1, 2, 5]) }),
  update: (random, frame) => ({ ...patient(random, frame), from: freshness(random) }),
  delete: (random, frame) => ({ ...patient(random, frame), from: freshness(random) }),
  race: (random, { keys }) => ({ key: random.below(keys) }),
  get: (random, frame) => ({ ...onKey(random, frame), count: random.pick([1, 2, 5, 8]), gap: random.between(0, 10) }),
  peek: onKey,
  list: (random, frame) => ({
    ...scope(random, frame),
    at: random.pick(['latest', 'latest', 'any', 'known', 'exact', 'exact', 'exact']),
    limit: random.pick([0, 0, 1, 2, 3]),
  }),
  latest: atReplica,
  reread: (random, frame) => ({ ...scope(random, frame), changes: random.pick([1, 3, 8]) }),
  watch: (random, frame) => ({ ...scope(random, frame), length: random.pick([0, 40, 400, 6 * second, 600 * second]) }),
  join: (random, frame) => ({ ...scope(random, frame), changes: random.pick([1, 3]), length: random.pick([0, 400, 6 * second]) }),
  relay: (random, frame) => ({ ...onKey(random, frame), late: random.pick([0, 30, 300, 3 * second]) }),
  kill: (random, frame) => ({ ...atReplica(random, frame), down: random.spread(10, 20 * second) }),
  stop: (random, frame) => ({ ...atReplica(random, frame), down: random.spread(10, 20 * second) }),
  pause: (random, frame) => ({ ...atReplica(random, frame), ms: random.spread(5, frame.long) }),
  index: (random, frame) => ({
    ...atReplica(random, frame),
    how: random.pick(['lost', 'power', 'power', 'torn', 'torn', 'foreign', 'damaged']),
    amount: random.pick([1, 2, 5, 100]),
    down: random.spread(10, 20 * second),
  }),
  clock: (random, frame) => ({ ...atReplica(random, frame), ms: random.pick([-1, 1]) * random.spread(second, 10 * 24 * 3600 * second) }),
  arm: armed,
  disk: (random, frame) => ({
    ...atReplica(random, frame),
    how: random.pick(['full', 'disk full', 'dies before', 'dies after']),
    ms: random.spread(100, 60 * second),
  }),
  storm: (random, frame) => {
    const how = random.pick<StormKind>(['mixed', 'mixed', 'errors', 'outage', 'filling', 'filling']);
    return {
      ...atReplica(random, frame),
      how,
      ms: random.spread(second, 60 * second),
      rate: how === 'mixed' ? random.pick([20, 50, 100]) : 100,
    };
  },
};

export function draw(name: ActionName, random: Random, frame: Frame): Action {
  return { do: name, ...draws[name](random, frame) } as Action;
}

function atReplica(random: Random, { replicas }: Frame): AtReplica {
  return { replica: random.below(replicas) };
}

function onKey(random: Random, frame: Frame): OnKey {
  return { ...atReplica(random, frame), key: random.below(frame.keys) };
}

function patient(random: Random, frame: Frame): Patient {
  return { ...onKey(random, frame), patience: random.chance(0.06) ? random.spread(1, 20 * second) : 0 };
}

function scope(random: Random, frame: Frame): Scope {
  return { ...onKey(random, frame), wide: random.chance(0.5), back: random.pick([0, 0, 1, 2, 5, 10]) };
}

function freshness(random: Random): Freshness {
  return random.weighted({ asked: 3, known: 5, old: 2 });
}

function armed(random: Random, frame: Frame): Actions['arm'] {
  const kind = random.weighted<RequestKind>({ put: 10, read: 5, list: 1, delete: 4 });
  const name = random.pick(Object.keys(mishaps[kind]));
  const ofLog = kind === 'put' || kind === 'read' ? random.weighted({ '.seg': 8, ckpt: 2, '': 1 }) : '';
  const part = name.includes('checkpoint') ? 'ckpt' : ofLog;
  const ms = random.spread(1, random.chance(0.5) ? 3 * second : frame.long);
  const read = kind === 'put' && random.chance(0.3) ? random.pick(Object.keys(mishaps.read)) : '';
  const skip = random.pick([0, 0, 0, 1, 2]);
  const again = kind === 'put' && random.chance(0.3) ? random.pick(Object.keys(mishaps.put)) : '';
  return { ...atReplica(random, frame), kind, name, part, ms, skip, read, again };
}
