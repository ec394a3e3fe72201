/** Does what the steps of a plan say. */
import type { WatchQuery } from '../../src/machinery/storage.ts';
import type { Action, ActionName, IndexLoss, StormKind } from './actions.ts';
import { damageIndex } from './damage.ts';
import type { RequestKind } from './mishaps.ts';
import { mishaps } from './mishaps.ts';
import type { Step } from './plan.ts';
import { keys, stepText, usualChanges } from './plan.ts';
import { Random } from './random.ts';
import type { Replica } from './replica.ts';
import { glance, inform } from './watching.ts';
import type { World } from './world.ts';

/** As many as a short history can feed. */
const mostInformers = 3;
/** Times that something is done while something else is going on. */
const mostMeanwhile = 20;

export function takeStep(world: World, step: Step): void {
  world.history.tell(() => `step ${stepText(step).trim()}`);
  world.history.count(`step: ${step.action.do}`);
  world.going++;
  const { do: name } = step.action;
  void doers[name](world, step.action as never, new Random(step.seed)).finally(() => world.going--);
}

type Doer<Name extends ActionName> = (world: World, action: Action<Name>, random: Random) => Promise<unknown>;

const doers: { readonly [Name in ActionName]: Doer<Name> } = {
  create: async (world, action) => {
    const { key, count, patience } = action;
    const replica = serving(world, action);
    await Promise.all(Array.from({ length: count }, (_, i) => world.client.create(replica, keys[(key + i) % keys.length]!, patience)));
  },
  update: change,
  delete: change,
  race: ({ client, replicas }, { key }) => client.race(replicas, keys[key]!),
  get: async (world, action) => {
    const { key, count, gap } = action;
    const replica = serving(world, action);
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < count; i++) {
      asked.push(world.client.get(replica, keys[key]!));
      await world.sleep(gap);
    }
    await Promise.all(asked);
  },
  peek: (world, action) => world.client.peek(serving(world, action), keys[action.key]!),
  list: async (world, action) => {
    const { at, back, limit } = action;
    const rv = Math.max(1, world.client.newest - back);
    await world.client.listAll(serving(world, action), {
      ...scopeOf(action),
      ...(limit === 0 ? {} : { limit }),
      at: at === 'known' || at === 'exact' ? { rv, exact: at === 'exact' } : at,
    });
  },
  latest: (world, action) => world.client.latest(serving(world, action)),
  reread: async (world, action, random) => {
    const query = { ...scopeOf(action), at: 'latest' } as const;
    await world.client.listAgain(serving(world, action), query, () => changeOften(world, action, random));
  },
  watch: async (world, action, random) => {
    if (++world.informers > mostInformers) return;
    const { resource, namespace } = keys[action.key]!;
    const { back, length, wide } = action;
    void inform(world, serving(world, action), random, { resource, namespace: wide ? undefined : namespace, back, length });
  },
  join: async (world, action, random) => {
    const replica = serving(world, action);
    const scope = scopeOf(action);
    await meanwhile(world, changeOften(world, action, random), random.between(1, 1 + world.setting.diskLatency), async () => {
      void glance(world, replica, { ...scope, since: Math.max(1, world.client.newest - action.back) }, action.length);
    });
  },
  relay: async (world, action, random) => {
    const { client, replicas, setting } = world;
    const [reader, writer, key] = [serving(world, action), replicas[(action.replica + 1) % replicas.length]!, keys[action.key]!];
    const { late } = action;
    if (late > 0) reader.network.armed.push({ kind: 'read', name: 'answer much later', part: '.seg', ms: late, skip: 0 });
    const ask = () => client.get(reader, key);
    await meanwhile(world, client.change('update', writer, key, 'known', 0, random).then(ask), random.between(1, setting.latency), ask);
  },
  kill: async (world, action) => {
    const replica = at(world, action);
    replica.kill();
    restart(world, replica, action.down);
  },
  stop: async (world, action) => {
    const replica = at(world, action);
    restart(world, replica, action.down);
    void replica.stop();
  },
  pause: async (world, action) => at(world, action).pause(action.ms),
  index: async (world, action, random) => {
    const replica = at(world, action);
    replica.kill();
    damageIndex(replica.disk, possibleLoss(world, action.how), action.amount, random);
    restart(world, replica, action.down);
  },
  clock: async (world, action) => {
    at(world, action).wall.ahead += action.ms;
  },
  arm: async (world, action) => {
    const { armed } = at(world, action).network;
    armed.push({ ...action });
    const { read, again, part, ms } = action;
    if (read !== '') armed.push({ kind: 'read', name: read, part: '.seg', ms, skip: 0 });
    if (again !== '') armed.push({ kind: 'put', name: again, part, ms, skip: 0 });
  },
  disk: async (world, action) => {
    const { disk, name } = at(world, action);
    if (action.how !== 'full') disk.nextBatch = action.how;
    else {
      disk.isFull = true;
      world.scheduler.after(action.ms, `${name} has room again`, () => (disk.isFull = false));
    }
  },
  storm: async (world, action) => {
    const { how, ms, rate } = action;
    at(world, action).network.storm = { until: world.scheduler.now + ms, rate, names: stormNames(how) };
  },
};

async function change(world: World, action: Action<'update' | 'delete'>, random: Random): Promise<void> {
  await world.client.change(action.do, serving(world, action), keys[action.key]!, action.from, action.patience, random);
}

async function changeOften(world: World, action: Action<'reread' | 'join'>, random: Random): Promise<void> {
  for (let i = 0; i < action.changes; i++)
    await world.client.change('update', serving(world, action), keys[action.key]!, 'known', 0, random);
}

/** Does something again every `pause` milliseconds while `work` is going on. */
async function meanwhile(world: World, work: Promise<unknown>, pause: number, again: () => Promise<unknown>): Promise<void> {
  const all = [work];
  const state = { isDone: false };
  void work.then(() => (state.isDone = true));
  for (let i = 0; i < mostMeanwhile && !state.isDone; i++) {
    all.push(again());
    await world.sleep(pause);
  }
  await Promise.all(all);
}

function scopeOf({ key, wide }: { readonly key: number; readonly wide: boolean }): Pick<WatchQuery, 'resource' | 'namespace'> {
  const { resource, namespace } = keys[key]!;
  return { resource, ...(wide ? {} : { namespace }) };
}

function at({ replicas }: World, { replica }: { readonly replica: number }): Replica {
  return replicas[replica]!;
}

/** Clients ask another replica where one is down. */
function serving(world: World, action: { readonly replica: number }): Replica {
  const meant = at(world, action);
  return meant.isUp ? meant : (world.replicas.find(({ isUp }) => isUp) ?? meant);
}

function restart(world: World, replica: Replica, ms: number): void {
  world.scheduler.after(ms, `${replica.name} is started`, () => replica.start());
}

/** Holes in an index are found at once by what is missing in its history; where none is kept, they are not looked for. */
function possibleLoss({ setting }: World, how: IndexLoss): IndexLoss {
  return how === 'torn' && setting.options.window.changes < usualChanges ? 'power' : how;
}

function stormNames(how: StormKind): Readonly<Record<RequestKind, readonly string[]>> {
  const isIn: Readonly<Record<StormKind, (name: string) => boolean>> = {
    mixed: () => true,
    errors: (name) => name.includes('error'),
    outage: (name) => name === 'error' || name === 'error, not done',
    filling: (name) => name.startsWith('no ') || name === 'error, done much later',
  };
  const namesOf = (kind: RequestKind) =>
    how === 'filling' && kind !== 'put'
      ? []
      : Object.entries(mishaps[kind]).flatMap(([name, { kills }]) => (isIn[how](name) && !kills ? [name] : []));
  return { put: namesOf('put'), read: namesOf('read'), list: namesOf('list'), delete: namesOf('delete') };
}
