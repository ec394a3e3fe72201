/** The promises of a store, each with a way to catch it out. */
import type { ByteRange, ObjectStore } from '../objectstore.ts';
import { StoreConflict, StoreError, StoreNotFound, StoreRange } from '../objectstore.ts';

export interface Step {
  /** What is true of the store if `prove` resolves. */
  readonly promise: string;
  /** Rejects with a BrokenPromise; with StoreUnavailable where an answer was lost, so that nothing can be said. */
  prove(scene: Scene): Promise<void>;
}

export interface Scene {
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
  /** Where nobody else makes anything; ends in a slash. */
  readonly folder: string;
  /** A key in the folder, which is deleted in the end. */
  readonly keyOf: (name: string) => string;
}

/** Says what the store did. */
export class BrokenPromise extends StoreError {}

const races = 3;
const racers = 8;

export const steps: readonly Step[] = [
  { promise: 'what is created is there at once, whole and in ranges', prove: proveReading },
  { promise: 'a second create of a key is refused, and the first content stays', prove: proveCreate },
  { promise: 'an upload over a key that exists is refused', prove: proveUpload },
  { promise: `of ${racers} racing creates of one key exactly one succeeds, ${races} times`, prove: proveRaces },
  { promise: 'a list shows what was created, in order, from any key on', prove: proveList },
];

const content = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');

async function proveReading(scene: Scene): Promise<void> {
  const { store, keyOf, signal } = scene;
  const one = keyOf('object');
  // Asked before, so that a cache which remembers that it is missing shows.
  expect((await store.size(one, signal)) === undefined, 'says that a key exists which nobody has made');
  expect((await store.putIfAbsent(one, content, signal)) === 'created', 'says that a new key exists already');
  const size = await store.size(one, signal);
  expect(size !== undefined, 'answers "created", and then does not have the object');
  expect(size === content.length, `says that an object of ${content.length} bytes has ${size}`);
  expect(content.equals(await readBack(scene, one)), 'answers "created", and then reads other content');
  const range = { start: 10, length: 5 };
  const part = (await readBack(scene, one, range)).toString();
  expect(part === 'abcde', `sends other bytes than the range that is asked for: "${part.slice(0, 40)}" instead of "abcde"`);
}

async function proveCreate(scene: Scene): Promise<void> {
  const { store, keyOf, signal } = scene;
  const one = keyOf('object');
  const [first, second] = [Buffer.from('first'), Buffer.from('second')];
  expect((await store.putIfAbsent(one, first, signal)) === 'created', 'says that a new key exists already');
  const answer = await store.putIfAbsent(one, second, signal);
  const kept = await readBack(scene, one);
  if (answer === 'created')
    throw new BrokenPromise(
      kept.equals(first)
        ? 'it answers "created" to a second create of the same key, though it keeps the first content'
        : 'it accepts a second create of the same key and replaces the first: it ignores put-if-absent, as some stores do in versioned buckets',
    );
  expect(!kept.equals(second), 'answers "exists" to a second create of the same key, and replaces the content all the same');
  expect(kept.equals(first), 'does not keep the content of the first create');
}

async function proveUpload(scene: Scene): Promise<void> {
  const { store, keyOf, signal } = scene;
  const one = keyOf('object');
  expect((await store.putIfAbsent(one, content, signal)) === 'created', 'says that a new key exists already');
  const refused = await store.upload(one, piecesOf(Buffer.from('other')), signal).then(
    () => false,
    (error: unknown) => error instanceof StoreConflict || Promise.reject(error as Error),
  );
  expect(refused, 'accepts an upload over a key that exists');
  expect(content.equals(await readBack(scene, one)), 'refuses an upload over a key that exists, and replaces the content all the same');
}

/** Of what the store has said is there. */
async function readBack({ store, signal }: Scene, key: string, range?: ByteRange): Promise<Buffer> {
  try {
    return Buffer.from(await store.read(key, signal, range));
  } catch (error) {
    if (error instanceof StoreNotFound) throw new BrokenPromise('it answers "created", and then does not have the object');
    if (error instanceof StoreRange) throw new BrokenPromise('it refuses a range that the object has');
    throw error;
  }
}

async function* piecesOf(whole: Uint8Array): AsyncGenerator<Uint8Array> {
  yield whole;
}

async function proveRaces(scene: Scene): Promise<void> {
  const ended = await Promise.allSettled(Array.from({ length: races }, (_, i) => proveRace(scene, scene.keyOf(`race-${i}`))));
  throwWorst(ended);
}

async function proveRace(scene: Scene, key: string): Promise<void> {
  const { store, signal } = scene;
  const bodies = Array.from({ length: racers }, (_, i) => Buffer.from(`racer ${i}`));
  const ended = await Promise.allSettled(bodies.map((body) => store.putIfAbsent(key, body, signal)));
  const winners = bodies.filter((_, i) => ended[i]?.status === 'fulfilled' && ended[i].value === 'created');
  expect(winners.length <= 1, `accepts ${winners.length} of ${racers} racing creates of one key, not one`);
  throwWorst(ended);
  expect(winners.length === 1, `accepts none of ${racers} racing creates of a new key`);
  expect(winners[0]?.equals(await readBack(scene, key)) ?? false, 'does not keep what the winner of a race wrote');
}

/** A broken promise counts more than an answer that was lost. */
function throwWorst(ended: readonly PromiseSettledResult<unknown>[]): void {
  const reasons = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  const worst = reasons.find((reason) => reason instanceof BrokenPromise) ?? reasons[0];
  if (worst !== undefined) throw worst;
}

const names = ['-', '0', 'A', 'B/1', 'B/2', '_', 'a', 'a-', 'a.b', 'b'];

async function proveList({ store, folder, keyOf, signal }: Scene): Promise<void> {
  const keys = names.map(keyOf);
  throwWorst(await Promise.allSettled(keys.map((one) => store.putIfAbsent(one, content, signal))));
  const middle = keys[Math.floor(keys.length / 2)];
  for (const after of [undefined, middle, `${middle}-`]) {
    const expected = keys.filter((one) => after === undefined || one > after);
    const listed: string[] = [];
    for await (const found of store.list(folder, signal, after)) listed.push(found.key);
    checkList(listed, expected, after);
  }
}

function checkList(listed: readonly string[], expected: readonly string[], after: string | undefined): void {
  const missing = expected.filter((key) => !listed.includes(key));
  const surplus = listed.filter((key) => !expected.includes(key));
  expect(missing.length === 0, `lists ${expected.length - missing.length} of ${expected.length} keys that were just created`);
  expect(surplus.length === 0, `lists keys that were not asked for${after === undefined ? '' : ', as if startAfter were not there'}`);
  expect(listed.join() === expected.join(), 'does not list keys in the order of their bytes');
}

function expect(holds: boolean, fault: string): asserts holds {
  if (!holds) throw new BrokenPromise(`it ${fault}`);
}
