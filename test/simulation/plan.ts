/**
 * What happens in a history, drawn from its seed. Each step has its time and its own seed, so taking some away leaves the
 * others as they were.
 */
import type { ObjectKey } from '../../src/machinery/storage.ts';
import type { Action, ActionName, Frame } from './actions.ts';
import { draw, weights } from './actions.ts';
import type { Disaster } from './disaster.ts';
import { drawDisaster } from './disaster.ts';
import { idOf } from './history.ts';
import { Random, seedOf } from './random.ts';
import type { Setting } from './replica.ts';

export interface Step {
  /** Milliseconds after the beginning. */
  readonly at: number;
  readonly seed: number;
  readonly action: Action;
}

export interface Plan {
  readonly seed: number;
  readonly replicas: number;
  readonly setting: Setting;
  readonly steps: readonly Step[];
  /** What becomes of the store at the end, in a few histories. */
  readonly disaster: Disaster | undefined;
}

export const keys: readonly ObjectKey[] = ['x', 'y', 'z', 'w'].flatMap((name) =>
  ['things', 'others'].flatMap((resource) => ['a', 'b'].map((namespace) => ({ resource, namespace, name }))),
);

const second = 1000;
/** More than there are in any history. */
export const usualChanges = 10_000;
/** Every history has these; of the others it has some. */
const always: readonly ActionName[] = ['create', 'update', 'get'];

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const interval = random.pick([second, 60 * second, 600 * second]);
  const frame: Frame = { replicas: random.pick([2, 2, 2, 3]), keys: random.pick([1, 2, 4, 8, keys.length]), long: interval * 20 };
  const setting = settingOf(random, interval);
  const chances = chancesOf(random);
  const steps: Step[] = [];
  const count = random.spread(3, 26);
  for (let [i, at] = [0, 0]; i < count; i++) {
    at += gapOf(random, frame);
    const own = new Random(seedOf(seed, i));
    steps.push({ at, seed: own.bits(), action: draw(own.weighted(chances), own, frame) });
  }
  return { seed, replicas: frame.replicas, setting, steps, disaster: random.chance(0.03) ? drawDisaster(random, frame) : undefined };
}

/** Of each action: one comes much more often than usual, and some do not come at all, so that histories are not all alike. */
function chancesOf(random: Random): Readonly<Record<ActionName, number>> {
  const names = Object.keys(weights) as ActionName[];
  const theme = random.pick(names);
  const chanceOf = (name: ActionName) => {
    if (name === theme) return 4 * weights[name];
    return always.includes(name) || random.chance(0.6) ? weights[name] : 0;
  };
  return Object.fromEntries(names.map((name) => [name, chanceOf(name)])) as Record<ActionName, number>;
}

function settingOf(random: Random, interval: number): Setting {
  return {
    latency: random.pick([1, 5, 20]),
    diskLatency: random.pick([0, 1, 5]),
    options: {
      interval,
      window: {
        changes: random.pick([0, 2, 5, usualChanges, usualChanges]),
        milliseconds: random.pick([0, 0, second, 60 * second]),
        piece: random.pick([1, 3]),
      },
      checkpoints: {
        segments: random.pick([1, 2, 4, 1000]),
        bytes: random.pick([1000, 1e6]),
        interval: Math.round(interval / random.pick([1, 3, 10])),
      },
    },
  };
}

/** Mostly so short that things overlap. */
function gapOf(random: Random, { long }: Frame): number {
  const gaps = {
    none: () => 0,
    short: () => random.between(0, 5),
    usual: () => random.between(5, 80),
    seconds: () => random.spread(100, 10 * second),
    long: () => random.spread(second, long),
  };
  return gaps[random.weighted({ none: 2, short: 5, usual: 5, seconds: 2, long: 1 })]();
}

/** One line for people. */
export function stepText({ at, action }: Step): string {
  const { do: what, ...rest } = action;
  const parts = Object.entries(rest).map(([name, value]) => `${name}=${name === 'key' ? idOf(keys[Number(value)]!) : String(value)}`);
  return `${String(at).padStart(10)} ms  ${what} ${parts.join(' ')}`;
}
