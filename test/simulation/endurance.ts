/** A history in which the store loses what was in it: nobody may go on as if nothing had happened. */
import type { Bucket } from './bucket.ts';
import type { Disaster } from './disaster.ts';
import { logFolder, strike } from './disaster.ts';
import { keys } from './plan.ts';
import { calm } from './recovery.ts';
import type { Replica } from './replica.ts';
import type { World } from './world.ts';

/** Milliseconds until every replica has written down what it has seen; and until it must have looked whether that is still there. */
const anchored = 20_000;
const noticed = 100_000;

/** Whoever has seen what is lost must refuse everything, until it is there again. */
export async function endure(world: World, disaster: Disaster): Promise<void> {
  const { bucket, history, replicas } = world;
  await calm(world);
  // What nobody has seen may be lost without anybody noticing.
  await world.scheduler.run(Number.POSITIVE_INFINITY, () => bucket.travelling === 0);
  for (const replica of replicas) await world.done(`${replica.name} sees the newest`, seeNewest(world, replica));
  await world.pass(anchored);
  const lost = strike(disaster, bucket);
  history.tell(() => `the store ${disaster.how}, and loses ${[...lost.keys()].join(' ')}`);
  history.count(`the store ${disaster.how}`);
  for (const [i, replica] of replicas.entries()) suffer(world, replica, disaster.replicas[i]!);
  await world.pass(noticed);
  for (const [i, replica] of replicas.entries())
    if (mustNotice(disaster, i, bucket, lost)) await world.done('a refusal', checkRefuses(world, replica));
  for (const [key, body] of lost) bucket.objects.set(key, body);
  history.tell(() => 'the store is as it was before');
}

async function seeNewest(world: World, replica: Replica): Promise<void> {
  while ((await world.client.latest(replica)).is !== 'value') await world.sleep(1000);
}

function suffer({ scheduler }: World, replica: Replica, how: Disaster['replicas'][number]): void {
  if (how === 'runs on') return;
  replica.kill();
  if (how === 'loses its index') replica.disk.clear();
  scheduler.after(100, `${replica.name} is started`, () => replica.start());
}

/** Of a process that runs on, only that it misses its newest segment. */
function mustNotice({ replicas }: Disaster, i: number, bucket: Bucket, lost: ReadonlyMap<string, Uint8Array>): boolean {
  const isLogLost = [...lost.keys()].some((key) => key.endsWith('.seg'));
  return isLogLost && (replicas[i] !== 'runs on' || isNewestLost(bucket, lost));
}

function isNewestLost(bucket: Bucket, lost: ReadonlyMap<string, Uint8Array>): boolean {
  const newest = bucket.keys(logFolder, '').at(-1) ?? '';
  return [...lost.keys()].some((key) => key.endsWith('.seg') && key > newest);
}

async function checkRefuses(world: World, replica: Replica): Promise<void> {
  const { client } = world;
  const key = keys[0]!;
  const answers = [await client.get(replica, key), await client.latest(replica), await client.create(replica, key, 0)];
  for (const { is } of answers)
    if (is === 'value') world.fail('rollback', `${replica.name} goes on though the store has lost what it has seen`);
}
