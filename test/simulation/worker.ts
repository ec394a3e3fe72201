/** A thread that runs the histories it is told to, on the code with a mistake if one is wanted. */
import { parentPort, workerData } from 'node:worker_threads';
import { plant } from './mutate.ts';
import { mutationNamed } from './mutations.ts';

export interface Seeds {
  readonly first: number;
  readonly count: number;
}

const { mutation } = workerData as { readonly mutation: string | undefined };
if (mutation !== undefined) plant(mutationNamed(mutation));
// Not earlier: a mistake is planted while the code is loaded.
const { runHistories } = await import('./run.ts');

parentPort?.on('message', ({ first, count }: Seeds) => {
  void runHistories(first, count).then((run) => parentPort?.postMessage(run, []));
});
