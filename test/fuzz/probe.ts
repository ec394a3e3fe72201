/**
 * Another client of a server under attack, in a thread of its own, so that the attacker's work does not hold up its clock. Like
 * kube-apiserver it keeps a connection, and makes one anew now and then. What others take of the server's time is not its fault.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { stopwatch } from '../e2e/stopwatch.ts';
import { Connection } from './wire.ts';
import type { Address } from './wire.ts';

export interface Probed {
  readonly address: Address;
  readonly pid: number;
}

export interface Waited {
  /** In milliseconds, of the slowest answer. */
  readonly longest: number;
  /** In milliseconds, of the slowest handshake with the answer behind it. */
  readonly longestNew: number;
  readonly answers: number;
}

const bytes = Buffer.from('GET /api/v1/namespaces/default/configmaps?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
const pause = 20;
const answersPerConnection = 5;

const { address, pid } = workerData as Probed;
const state = { stopped: false };
parentPort?.once('message', () => (state.stopped = true));
const waited = { longest: 0, longestNew: 0, answers: 0 };
while (!state.stopped) {
  const since = stopwatch(pid);
  const connection = await Connection.open(address);
  await answer(connection);
  waited.longestNew = Math.max(waited.longestNew, since());
  for (let n = 1; n < answersPerConnection; n++) {
    await sleep(pause);
    const since = stopwatch(pid);
    await answer(connection);
    waited.longest = Math.max(waited.longest, since());
  }
  connection.close();
}
parentPort?.postMessage(waited satisfies Waited, []);

async function answer(connection: Connection): Promise<void> {
  const reply = await connection.ask(bytes, { isHead: false, mayStream: false });
  if (reply?.status !== 200) throw new Error(`the server under attack answered ${reply?.status ?? 'nothing'}`);
  waited.answers += 1;
}
