/** The end of a history: nothing fails any more, and all must be well again. */
import { StorageExists } from '../../src/machinery/storage.ts';
import { keys } from './plan.ts';
import type { Replica } from './replica.ts';
import type { World } from './world.ts';

const resources = ['things', 'others'];

/** All faults stop; what is on its way arrives; and every replica serves, and writes, within bounded time. */
export async function recover(world: World): Promise<void> {
  await calm(world);
  await work(world, 'before late requests arrive');
  if (world.bucket.travelling > 0) {
    await world.scheduler.run(Number.POSITIVE_INFINITY, () => world.bucket.travelling === 0);
    await work(world, 'after all has arrived');
  }
  world.isOver = true;
  await letWatchesEnd(world);
}

export async function calm(world: World): Promise<void> {
  world.history.tell(() => 'all faults stop');
  for (const replica of world.replicas) stopFaults(replica);
  await world.within('every request of a client is answered', () => world.going === 0);
  // What the last of them did may have brought a fault again.
  for (const replica of world.replicas) stopFaults(replica);
  await world.within('every replica serves', () => world.replicas.every(({ isUp }) => isUp));
}

function stopFaults(replica: Replica): void {
  replica.network.armed = [];
  replica.network.storm = undefined;
  replica.disk.isFull = false;
  replica.disk.nextBatch = undefined;
  replica.resume();
  replica.start();
}

async function work(world: World, when: string): Promise<void> {
  const last = keys.at(-1)!;
  for (const [i, replica] of world.replicas.entries()) {
    const key = { ...last, name: `${last.name}${i}-${world.history.moment()}` };
    await world.done(`${replica.name} writes and reads, ${when}`, writeAndRead(world, replica, key));
  }
}

async function writeAndRead(world: World, replica: Replica, key: (typeof keys)[number]): Promise<void> {
  const { client } = world;
  for (let isWritten = false; !isWritten;) {
    const answer = await client.create(replica, key, 0);
    isWritten = answer.is === 'value' || (answer.is === 'error' && answer.error instanceof StorageExists);
    if (!isWritten) await world.sleep(1000);
  }
  await readAll(world, replica);
  await client.get(replica, key);
}

/** Every watch gets what there is: in some histories because replicas look by themselves, in most because somebody asks them. */
async function letWatchesEnd(world: World): Promise<void> {
  const { plan, replicas, client, setting } = world;
  const looksItself = plan.seed % 8 === 0;
  if (!looksItself) for (const replica of replicas) void client.latest(replica);
  await world.pass(2000 + (looksItself ? 2 * setting.options.interval : 0));
}

/** A machine that has never seen the store serves, too. */
export async function openFresh(world: World): Promise<Replica> {
  const fresh = world.replica('fresh', 100);
  fresh.start();
  await world.within('a new replica serves', () => fresh.isUp);
  await world.done('a new replica answers', readAll(world, fresh));
  return fresh;
}

async function readAll({ client }: World, replica: Replica): Promise<void> {
  for (const resource of resources) await client.list(replica, { resource, at: 'latest' });
}
