/**
 * Time that a process takes, wherever others use the machine as well: how long it works and how long it is kept from that, as the kernel
 * counts it in /proc/PID/task/TID/schedstat.
 */
import { readdirSync, readFileSync } from 'node:fs';

interface Shares {
  /** Milliseconds that the main thread has had a processor. */
  readonly worked: number;
  /** Milliseconds that its threads, taken together, could have run and had none. */
  readonly delayed: number;
}

/** Since the process began. */
function sharesOf(pid: number): Shares {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => statOf(`/proc/${pid}/task/${thread}/schedstat`));
  const [worked = 0] = statOf(`/proc/${pid}/schedstat`);
  return { worked, delayed: threads.reduce((sum, [, delayed = 0]) => sum + delayed, 0) };
}

/** Stands still while others have the processors: the time that is the process's own, but at least that in which it works. */
export function stopwatch(pid: number): () => number {
  const [began, before] = [performance.now(), sharesOf(pid)];
  return () => {
    const { worked, delayed } = sharesOf(pid);
    return Math.max(worked - before.worked, performance.now() - began - (delayed - before.delayed));
  };
}

const statOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split(' ')
    .map((nanoseconds) => Number(nanoseconds) / 1_000_000);
