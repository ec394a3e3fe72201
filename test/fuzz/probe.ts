/**
 * Another client of a server under attack, in a thread of its own, so that the attacker's work does not hold up its clock. Like
 * kube-apiserver it keeps a connection, and makes one anew now and then.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Connection } from './wire.ts';
import type { Address } from './wire.ts';

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

const state = { stopped: false };
parentPort?.once('message', () => (state.stopped = true));
const waited = { longest: 0, longestNew: 0, answers: 0 };
while (!state.stopped) {
  const began = performance.now();
  const connection = await Connection.open(workerData as Address);
  waited.longestNew = Math.max(waited.longestNew, performance.now() - began + (await answerTime(connection)));
  for (let n = 1; n < answersPerConnection; n++) waited.longest = Math.max(waited.longest, await answerTime(connection));
  connection.close();
}
parentPort?.postMessage(waited satisfies Waited, []);

async function answerTime(connection: Connection): Promise<number> {
  const began = performance.now();
  const reply = await connection.ask(bytes, { isHead: false, mayStream: false });
  if (reply?.status !== 200) throw new Error(`the server under attack answered ${reply?.status ?? 'nothing'}`);
  waited.answers += 1;
  const time = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, pause));
  return time;
}
