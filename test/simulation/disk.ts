/** A place for an index in memory, as a disk keeps it: what was written survives its process, and can be damaged in between. */
import type { Bounds, Kv, KvFilling, KvHome, KvOp, KvReader, KvSnapshot } from '../../src/catalog/local-index/kv.ts';
import { entryOf } from '../../src/catalog/local-index/index-keys.ts';
import { KvDamaged } from '../../src/catalog/local-index/kv.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';

type Entry = readonly [string, string];
export type Entries = readonly Entry[];

/** What happens to the next batch. */
export type BatchMishap = 'disk full' | 'dies before' | 'dies after';

/** A batch that a loss of power can take, and what there was before it. */
interface Batch {
  readonly before: Entries;
  readonly ops: readonly KvOp[];
}

export class Disk {
  #entries: Entries = [];
  #batches: Batch[] = [];
  /** How often it was opened or changed by hand: a batch of a process before that comes too late. */
  generation = 0;
  owner: Life | undefined;
  isDamaged = false;
  isFull = false;
  nextBatch: BatchMishap | undefined;

  get entries(): Entries {
    return this.#entries;
  }

  write(ops: readonly KvOp[], isDurable: boolean): void {
    if (isDurable) this.#batches = [];
    else this.#batches.push({ before: this.#entries, ops });
    this.#entries = applied(this.#entries, ops);
  }

  clear(): void {
    this.isDamaged = false;
    this.replace([]);
  }

  /** Takes the last batches that were not durable. */
  losePower(batches: number): void {
    this.replace(this.#batches.at(-batches)?.before ?? this.#batches[0]?.before ?? this.#entries);
  }

  /** Takes some of the batches that were not durable, and not those after them. */
  tear(isLost: () => boolean): void {
    const [first] = this.#batches;
    if (first === undefined) return;
    const left = this.#batches.filter(() => !isLost());
    this.replace(left.reduce((entries, { ops }) => applied(entries, ops), first.before));
  }

  /** Puts something else in its place. */
  replace(entries: Entries): void {
    this.generation++;
    this.#entries = entries;
    this.#batches = [];
  }
}

/** `home` for one life of a process. Reading and writing take up to `latency` milliseconds. */
export function simulatedHome(disk: Disk, life: Life, random: Random, latency: number, die: () => void): KvHome {
  return {
    name: 'the simulated index',
    open: async () => {
      await pause(life, 'opens its index', random.between(0, latency));
      if (disk.isDamaged) throw new KvDamaged('the simulated index is damaged');
      if (disk.owner !== undefined && !disk.owner.isDead) throw new Error('the simulated index is in use');
      disk.owner = life;
      disk.generation++;
      return new SimulatedKv(disk, life, random, latency, die);
    },
    destroy: async () => {
      await pause(life, 'destroys its index', random.between(0, latency));
      disk.clear();
    },
  };
}

class SimulatedReader implements KvReader {
  readonly life: Life;
  readonly random: Random;
  readonly latency: number;
  readonly #entries: () => Entries;

  constructor(life: Life, random: Random, latency: number, entries: () => Entries) {
    this.life = life;
    this.random = random;
    this.latency = latency;
    this.#entries = entries;
  }

  get(key: string): string | undefined {
    const entries = this.#entries();
    const found = entries[placeOf(entries, key)];
    return found?.[0] === key ? found[1] : undefined;
  }

  async *entries({ gte, lt }: Bounds, limit = Number.POSITIVE_INFINITY): AsyncGenerator<readonly [string, string][]> {
    const pageEntries = this.random.pick([1, 3, 1000]);
    let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
    for (let from = gte; left > 0;) {
      await pause(this.life, 'reads its index', this.random.between(0, this.latency));
      this.check();
      const entries = this.#entries();
      const start = placeOf(entries, from);
      const page = entries.slice(start, Math.min(start + pageEntries, start + left, placeOf(entries, lt)));
      const last = page.at(-1);
      if (last === undefined) return;
      yield page.map(([key, value]) => [key, value]);
      left -= page.length;
      from = `${last[0]}\0`;
    }
  }

  async *keys(bounds: Bounds): AsyncGenerator<readonly string[]> {
    for await (const page of this.entries(bounds)) yield page.map(([key]) => key);
  }

  protected check(): void {}
}

class SimulatedKv extends SimulatedReader implements Kv {
  /** What is wrong with this disk is wrong all over, and found when it is opened or proved. */
  readonly damage = new Promise<never>(() => {});
  readonly #disk: Disk;
  readonly #generation: number;
  readonly #die: () => void;
  #isClosed = false;

  constructor(disk: Disk, life: Life, random: Random, latency: number, die: () => void) {
    super(life, random, latency, () => disk.entries);
    this.#disk = disk;
    this.#generation = disk.generation;
    this.#die = die;
  }

  override get(key: string): string | undefined {
    this.check();
    return super.get(key);
  }

  async batch(ops: readonly KvOp[], { durable = false } = {}): Promise<void> {
    this.check();
    const disk = this.#disk;
    const mishap = disk.nextBatch;
    disk.nextBatch = undefined;
    if (mishap === 'dies before') return this.#dying(() => {});
    if (mishap === 'dies after') return this.#dying(() => disk.write(ops, durable));
    if (mishap === 'disk full' || disk.isFull) {
      await pause(this.life, 'hears that its disk is full', 0);
      throw new Error('no space left on device');
    }
    await new Promise<void>((resolve) => {
      this.life.scheduler.after(this.random.between(0, this.latency), `${this.life.name} disk`, () => {
        // What a process gave to the system before it was killed is written, unless it was too late.
        if (disk.generation !== this.#generation || (this.life.isDead && this.random.chance(0.5))) return;
        disk.write(ops, durable);
        this.life.post(0, 'has written its index', resolve);
      });
    });
  }

  async fill(): Promise<KvFilling> {
    this.check();
    const ops: KvOp[] = [];
    return {
      add: async (_, lines) => {
        await pause(this.life, 'fills its index', this.random.between(0, this.latency));
        for (const line of lines.toString('utf8', 0, lines.length - 1).split('\n')) {
          const [key, value] = entryOf(line);
          ops.push({ type: 'put', key, value });
        }
      },
      end: () => this.batch(ops, { durable: true }),
      abandon: () => this.batch(ops.map(({ key }) => ({ type: 'del', key }))),
    };
  }

  snapshot(): KvSnapshot {
    this.check();
    const { entries } = this.#disk;
    return new SimulatedSnapshot(this.life, this.random, this.latency, () => entries);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#disk.owner === this.life) this.#disk.owner = undefined;
  }

  protected override check(): void {
    if (this.#isClosed) throw new Error('the simulated index is closed');
  }

  #dying(work: () => void): Promise<void> {
    work();
    return new Promise(() => this.life.post(0, 'dies at its index', this.#die));
  }
}

class SimulatedSnapshot extends SimulatedReader implements KvSnapshot {
  #isClosed = false;

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  override get(key: string): string | undefined {
    this.check();
    return super.get(key);
  }

  protected override check(): void {
    if (this.#isClosed) throw new Error('the snapshot is closed');
  }
}

function pause(life: Life, label: string, ms: number): Promise<void> {
  return new Promise((resolve) => life.post(ms, label, resolve));
}

/** Later operations win over earlier ones for the same key. */
function applied(entries: Entries, ops: readonly KvOp[]): Entries {
  const next = [...entries];
  for (const op of ops) {
    const at = placeOf(next, op.key);
    const isThere = next[at]?.[0] === op.key;
    if (op.type === 'put') next.splice(at, isThere ? 1 : 0, [op.key, op.value]);
    else if (isThere) next.splice(at, 1);
  }
  return next;
}

/** Where `key` is, or would be. */
function placeOf(entries: Entries, key: string): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(entries[middle]![0], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** UTF-16 sorts surrogates before U+E000 to U+FFFF; UTF-8 the other way. */
function compareUtf8(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return lifted(x) - lifted(y);
  }
  return a.length - b.length;
}

function lifted(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
