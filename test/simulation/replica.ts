/** A replica: a machine with a disk, a clock and a network, on which processes that serve the catalog run one after the other. */
import { messageOf } from '../../src/base/lifetime.ts';
import type { Log } from '../../src/base/log.ts';
import type { Anchor, AnchorPoint } from '../../src/catalog/rollback/anchor.ts';
import type { CatalogOptions } from '../../src/catalog/catalog.ts';
import type { LastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { openLastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import type { Bucket } from './bucket.ts';
import type { Wall } from './clock.ts';
import { SimulatedClock } from './clock.ts';
import { Disk, simulatedHome } from './disk.ts';
import type { Answer, History } from './history.ts';
import { seededIds } from './ids.ts';
import { Life } from './life.ts';
import { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Network } from './store.ts';
import { SimulatedStore } from './store.ts';

export const domain = 'simulated';

/** What a history says of all its replicas. */
export interface Setting {
  /** Milliseconds that one way over the network, and a look at the disk, take at most. */
  readonly latency: number;
  readonly diskLatency: number;
  readonly options: Required<Pick<CatalogOptions, 'interval' | 'window' | 'checkpoints'>>;
}

interface Surroundings {
  readonly scheduler: Scheduler;
  readonly bucket: Bucket;
  readonly history: History;
  readonly setting: Setting;
}

/** Milliseconds until a process that has ended is started again: doubled each time that it could not open its catalog. */
const firstRestart = 2000;
const lastRestart = 30_000;

export class Replica {
  readonly name: string;
  readonly disk = new Disk();
  readonly wall: Wall = { ahead: 0 };
  readonly network: Network;
  readonly #world: Surroundings;
  readonly #random: Random;
  readonly #cuts = new Set<() => void>();
  #life: Life | undefined;
  #catalog: LastingCatalog | undefined;
  #anchored: AnchorPoint | undefined;
  #starts = 0;
  #failures = 0;

  constructor(name: string, world: Surroundings, seed: number) {
    this.name = name;
    this.#world = world;
    this.#random = new Random(seed);
    const { history, setting } = world;
    this.network = {
      random: this.#random,
      latency: setting.latency,
      armed: [],
      storm: undefined,
      count: (what) => {
        history.count(what);
        history.tell(() => `${this.name} meets ${what}`);
      },
    };
  }

  get isUp(): boolean {
    return this.#catalog !== undefined;
  }

  get life(): string {
    return this.#life?.name ?? this.name;
  }

  /** Of the process that runs. */
  get clock(): SimulatedClock | undefined {
    return this.#life === undefined ? undefined : new SimulatedClock(this.#life, this.wall);
  }

  start(): void {
    if (this.#life !== undefined) return;
    const { scheduler, bucket, history, setting } = this.#world;
    const life = new Life(`${this.name}.${++this.#starts}`, scheduler);
    this.#life = life;
    history.tell(() => `${life.name} starts`);
    const die = () => {
      this.#die(life);
      this.#startSoon();
    };
    const options: CatalogOptions = {
      store: new SimulatedStore(life, bucket, this.network, die),
      domain,
      index: simulatedHome(this.disk, life, this.#random, setting.diskLatency, die),
      anchor: this.#anchorFor(life),
      clock: new SimulatedClock(life, this.wall),
      ids: seededIds(this.#random),
      log: this.#log(life),
      replica: this.name,
      ...setting.options,
    };
    void this.#open(life, options);
  }

  kill(): void {
    if (this.#life !== undefined) this.#die(this.#life);
  }

  /** Ends the process in good order, as far as it gets. */
  async stop(): Promise<void> {
    const [life, catalog] = [this.#life, this.#catalog];
    if (life === undefined || catalog === undefined || life.isPaused) return;
    this.#catalog = undefined;
    await catalog.close();
    this.#die(life);
    // It may have been told to start while it was still ending.
    this.#startSoon();
  }

  pause(ms: number): void {
    const life = this.#life;
    if (life === undefined || life.isPaused) return;
    life.pause();
    this.#world.scheduler.after(ms, `${life.name} goes on`, () => life.resume());
  }

  resume(): void {
    this.#life?.resume();
  }

  /** Lets something come to the process that runs now, if it still does then. */
  post(ms: number, label: string, run: () => void): void {
    this.#life?.post(ms, label, run);
  }

  /** Asks the process, and says what became of it as far as the caller can know. */
  async ask<T>(
    work: (catalog: LastingCatalog) => Promise<T>,
  ): Promise<Exclude<Answer, { is: 'value' }> | { readonly is: 'value'; readonly value: T }> {
    const [life, catalog] = [this.#life, this.#catalog];
    if (life === undefined || catalog === undefined) return { is: 'down' };
    return new Promise((resolve) => {
      const cut = () => resolve({ is: 'cut' });
      this.#cuts.add(cut);
      life.post(0, 'is asked', () => {
        const done = work(catalog).finally(() => this.#cuts.delete(cut));
        done.then(
          (value) => resolve({ is: 'value', value }),
          (error: Error) => resolve({ is: 'error', error }),
        );
      });
    });
  }

  async #open(life: Life, options: CatalogOptions): Promise<void> {
    const { history } = this.#world;
    try {
      this.#catalog = await openLastingCatalog(options);
      this.#failures = 0;
      history.count('opened');
      history.tell(() => `${life.name} serves`);
    } catch (error) {
      this.#failures++;
      history.count('not opened');
      history.tell(() => `${life.name} cannot open: ${messageOf(error)}`);
      this.#die(life);
      this.#startSoon();
    }
  }

  /** Lies somewhere else than the index, and is never lost. */
  #anchorFor(life: Life): Anchor {
    const hop = () =>
      new Promise<void>((resolve) => life.post(this.#random.between(0, this.network.latency), 'hears of its anchor', resolve));
    return {
      read: async () => {
        await hop();
        return this.#anchored;
      },
      write: async (point) => {
        await hop();
        this.#anchored = point;
        await hop();
      },
    };
  }

  #startSoon(): void {
    const pause = Math.min(firstRestart * 2 ** this.#failures, lastRestart);
    this.#world.scheduler.after(pause, `${this.name} is started again`, () => this.start());
  }

  #die(life: Life): void {
    if (life.isDead) return;
    life.kill();
    this.#world.history.tell(() => `${life.name} is dead`);
    if (this.#life !== life) return;
    this.#life = undefined;
    this.#catalog = undefined;
    for (const cut of this.#cuts) cut();
    this.#cuts.clear();
  }

  #log(life: Life): Log {
    const { history } = this.#world;
    const tell = (message: string, fields: unknown = {}) => {
      history.count(`tells: ${message}`);
      history.tell(() => `${life.name} tells: ${message} ${JSON.stringify(fields)}`);
    };
    const log: Log = { debug: tell, info: tell, warn: tell, error: tell, child: () => log };
    return log;
  }
}
