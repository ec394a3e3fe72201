/** Informers: clients that list, watch from there, go on where they were cut, and list again when their number is too old. */
import type { LastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { Ticker, withTicks } from '../../src/machinery/reading/ticker.ts';
import type { StoredEvent, WatchQuery } from '../../src/machinery/storage.ts';
import { StorageExpired } from '../../src/machinery/storage.ts';
import type { Informer, WatchSession } from './history.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';
import type { World } from './world.ts';

export interface InformerPlan {
  readonly resource: string;
  readonly namespace: string | undefined;
  /** How many numbers before the list the watch begins, for events that the client has had already. */
  readonly back: number;
  /** Milliseconds that one watch lasts, which also says when it sends bookmarks; 0 for one that never ends. */
  readonly length: number;
}

const pause = 100;
/** Of one informer: after so many watches, the next one lasts. */
const mostShort = 20;
const usualLength = 30 * 60 * 1000;

/** Goes on until the history is over. */
export async function inform(world: World, first: Replica, random: Random, plan: InformerPlan): Promise<void> {
  const { history, replicas } = world;
  let replica = first;
  let informer: Informer | undefined;
  let { back, length } = plan;
  let sessions = 0;
  for (; !world.isOver; await world.sleep(random.between(1, pause))) {
    informer ??= await listed(world, replica, plan);
    if (informer !== undefined) {
      const session = await watched(world, replica, informer, { ...plan, back, length });
      if (++sessions > mostShort) length = 0;
      if (session?.answer?.is === 'error' && session.answer.error instanceof StorageExpired) {
        history.informers.splice(history.informers.indexOf(informer), 1);
        informer = undefined;
        back = 0;
      }
    }
    replica = random.pick(replicas);
  }
}

/** One watch that nothing goes on from; `length` as in a plan. */
export async function glance(world: World, replica: Replica, query: WatchQuery, length: number): Promise<void> {
  const { resource, namespace, since } = query;
  await watched(world, replica, { resource, namespace, objects: new Map(), position: since }, { resource, namespace, back: 0, length });
}

async function listed({ history, client }: World, replica: Replica, plan: InformerPlan): Promise<Informer | undefined> {
  const scope = plan.namespace === undefined ? {} : { namespace: plan.namespace };
  const answer = await client.list(replica, { resource: plan.resource, ...scope, at: 'latest' });
  if (answer.is !== 'value' || typeof answer.value !== 'object' || !('items' in answer.value)) return undefined;
  const objects = new Map(answer.value.items.map(({ key, rv, json }) => [`${key.namespace}/${key.name}`, { rv, json }]));
  const informer = { resource: plan.resource, namespace: plan.namespace, objects, position: answer.value.rv };
  history.informers.push(informer);
  return informer;
}

async function watched(world: World, replica: Replica, informer: Informer, plan: InformerPlan): Promise<WatchSession | undefined> {
  if (!replica.isUp) return undefined;
  const { history } = world;
  const { resource, namespace, position } = informer;
  const query: WatchQuery = { resource, ...(namespace === undefined ? {} : { namespace }), since: Math.max(1, position - plan.back) };
  const session: WatchSession = {
    id: history.watches.length,
    life: replica.life,
    query,
    start: history.moment(),
    events: [],
    bookmarks: [],
    end: Number.POSITIVE_INFINITY,
    answer: undefined,
  };
  history.watches.push(session);
  history.tell(() => `${session.life} < watch ${session.id} ${JSON.stringify(query)}`);
  const answer = await replica.ask((catalog) => follow(world, replica, catalog, session, informer, plan.length));
  session.end = history.moment();
  session.answer = answer.is === 'value' ? { is: 'value', value: undefined } : answer;
  history.count(`watch: ${answer.is === 'error' ? answer.error.name : answer.is}`);
  history.tell(() => `${session.life} > watch ${session.id} ends: ${answer.is === 'error' ? answer.error.message : answer.is}`);
  return session;
}

/** What a server does for a watch, in its process: src/machinery/reading/watch-stream.ts. */
async function follow(
  { history, client }: World,
  replica: Replica,
  catalog: LastingCatalog,
  session: WatchSession,
  informer: Informer,
  length: number,
): Promise<void> {
  const clock = replica.clock;
  const { query, events, bookmarks } = session;
  if (clock === undefined) return;
  if (query.since > catalog.current() && query.since > (await catalog.latest(AbortSignal.any([]))))
    throw new StorageExpired(`number ${query.since} was never given out`);
  const stop = new AbortController();
  const end = () => stop.abort();
  if (length > 0) clock.sleep(length, stop.signal).then(end, end);
  const hear = (event: StoredEvent) => {
    events.push({ moment: history.moment(), event });
    client.learn(event.key, event.rv);
    learn(informer, event);
    history.count('event');
    history.tell(() => `${session.life} > watch ${session.id}: ${event.type} ${event.rv} ${event.key.name} ${event.json}`);
  };
  const ticker = new Ticker();
  void ticker.run(clock, () => catalog.current(), length === 0 ? usualLength : length, stop.signal).catch(() => {});
  try {
    for await (const item of withTicks(catalog.watch(query, stop.signal), ticker)) {
      if ('events' in item) {
        item.events.forEach(hear);
      } else if (item.quietAt !== undefined) {
        bookmarks.push({ moment: history.moment(), rv: item.quietAt, events: events.length });
        informer.position = Math.max(informer.position, item.quietAt);
        history.count('bookmark');
      }
    }
  } finally {
    end();
  }
}

/** An event that the client has had already changes nothing, as with the informers of client-go. */
function learn(informer: Informer, { rv, type, key, json }: WatchSession['events'][number]['event']): void {
  if (rv <= informer.position) return;
  informer.position = rv;
  const id = `${key.namespace}/${key.name}`;
  if (type === 'DELETED') informer.objects.delete(id);
  else informer.objects.set(id, { rv, json });
}
