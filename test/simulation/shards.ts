/** Spreads histories over threads. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Run } from './run.ts';
import type { Seeds } from './worker.ts';

export interface Sharding {
  readonly seed: number;
  readonly histories: number;
  readonly threads: number;
  /** The name of a mistake to plant. */
  readonly mutation?: string | undefined;
  /** Is told how many are done. */
  readonly tell?: (done: number) => void;
}

/** Histories that a thread runs at a time. */
const piece = 50;

/** Stops soon after the first history that fails. */
export async function runSharded(sharding: Sharding): Promise<Run> {
  const pieces = piecesOf(sharding);
  let total: Run = { histories: 0, events: 0, counts: new Map(), failed: undefined };
  const runThread = async () => {
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: { mutation: sharding.mutation } });
    try {
      for (const seeds of pieces) {
        const run = await runPiece(worker, seeds);
        total = sum(total, run);
        if (total.failed !== undefined) return;
        sharding.tell?.(total.histories);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: sharding.threads }, runThread));
  return total;
}

function* piecesOf({ seed, histories }: Sharding): Generator<Seeds> {
  for (let done = 0; done < histories; done += piece) yield { first: seed + done, count: Math.min(piece, histories - done) };
}

async function runPiece(worker: Worker, seeds: Seeds): Promise<Run> {
  const answer = once(worker, 'message') as Promise<[Run]>;
  worker.postMessage(seeds, []);
  const [run] = await answer;
  return run;
}

function sum(a: Run, b: Run): Run {
  const counts = new Map(a.counts);
  for (const [what, times] of b.counts) counts.set(what, (counts.get(what) ?? 0) + times);
  return { histories: a.histories + b.histories, events: a.events + b.events, counts, failed: a.failed ?? b.failed };
}
