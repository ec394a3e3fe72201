/** Memory over time: of each life of a process, the trend behind its warm-up. */
import { memoryOf } from '../e2e/memory.ts';
import type { Running } from '../e2e/process.ts';

interface Sample {
  /** Milliseconds since the process was first seen. */
  readonly age: number;
  readonly bytes: number;
}

export interface Trend {
  /** Bytes by which the straight line through all samples rises from the first of them to the last. */
  readonly rise: number;
  readonly highest: number;
  /** In milliseconds. */
  readonly span: number;
}

export class Flatness {
  readonly #lives = new Map<Running, { readonly began: number; readonly samples: Sample[] }>();

  look(process: Running | undefined): void {
    if (!process || process.ended) return;
    const now = performance.now();
    const life = this.#lives.get(process) ?? { began: now, samples: [] };
    this.#lives.set(process, life);
    life.samples.push({ age: now - life.began, bytes: memoryOf(process) });
  }

  /** Of those lives that went on for `least` milliseconds behind their warm-up. */
  trends(warmUp: number, least: number): readonly Trend[] {
    const measured = [...this.#lives.values()].map(({ samples }) => samples.filter(({ age }) => age >= warmUp));
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
  return { rise: slope * span, highest: Math.max(...samples.map((sample) => sample.bytes)), span };
}
