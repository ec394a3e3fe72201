/** Memory over time, of each life of a process: the most that it held, and the trend of what it can reach, behind its warm-up. */
import { memoryOf } from '../e2e/memory.ts';
import type { Running } from '../e2e/process.ts';
import { liveMemoryOf } from './live-memory.ts';

interface Sample {
  /** Milliseconds since the process was first seen. */
  readonly age: number;
  readonly bytes: number;
}

export interface Trend {
  /** Bytes by which the straight line through all samples rises from the first of them to the last. */
  readonly rise: number;
  /** In milliseconds. */
  readonly span: number;
}

interface Life {
  readonly began: number;
  /** Bytes that the kernel counted at most. */
  highest: number;
  readonly live: Sample[];
}

const betweenCollections = 10_000;

export class Flatness {
  readonly #lives = new Map<Running, Life>();
  readonly #warmUp: number;

  /** @param warmUp Milliseconds of each life in which nothing is collected for the sake of measuring. */
  constructor(warmUp: number) {
    this.#warmUp = warmUp;
  }

  async look(process: Running | undefined): Promise<void> {
    if (!process || process.ended) return;
    const life = this.#lives.get(process) ?? { began: performance.now(), highest: 0, live: [] };
    this.#lives.set(process, life);
    life.highest = Math.max(life.highest, memoryOf(process));
    const age = performance.now() - life.began;
    const next = (life.live.at(-1)?.age ?? this.#warmUp - betweenCollections) + betweenCollections;
    if (age >= next) life.live.push({ age, bytes: await liveMemoryOf(process) });
  }

  /** In bytes, of all lives. */
  get highest(): number {
    return Math.max(...[...this.#lives.values()].map(({ highest }) => highest));
  }

  /** Of those lives that went on for `least` milliseconds behind their warm-up. */
  trends(least: number): readonly Trend[] {
    const measured = [...this.#lives.values()].map(({ live }) => live);
    return measured.filter((samples) => spanOf(samples) >= least).map(trendOf);
  }
}

const spanOf = (samples: readonly Sample[]) => (samples.at(-1)?.age ?? 0) - (samples[0]?.age ?? 0);

/** By least squares. */
function trendOf(samples: readonly Sample[]): Trend {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const age = mean((sample) => sample.age);
  const bytes = mean((sample) => sample.bytes);
  const slope = mean((sample) => (sample.age - age) * (sample.bytes - bytes)) / mean((sample) => (sample.age - age) ** 2);
  const span = spanOf(samples);
  return { rise: slope * span, span };
}
