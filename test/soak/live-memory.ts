/**
 * What a process can still reach: its heap and its buffers behind a full collection, asked through Node's inspector. Unlike what the
 * kernel counts, it does not depend on when V8 finds time to collect. https://chromedevtools.github.io/devtools-protocol/v8/
 */
import { once } from 'node:events';
import type { Running } from '../e2e/process.ts';

/** In the environment of a process that is to be asked. */
export const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** In bytes. Collects its garbage, so it is to be asked seldom. */
export async function liveMemoryOf({ stderr }: Running): Promise<number> {
  const socket = new WebSocket(/ws:\/\/127\.0\.0\.1:\S+/.exec(stderr)?.[0] ?? '');
  await once(socket, 'open');
  try {
    await ask(socket, 'HeapProfiler.collectGarbage');
    const { result } = (await ask(socket, 'Runtime.evaluate', { expression: 'process.memoryUsage()', returnByValue: true })) as Usage;
    return result.value.heapUsed + result.value.external;
  } finally {
    socket.close();
  }
}

async function ask(socket: WebSocket, method: string, params: object = {}): Promise<unknown> {
  const answered = once(socket, 'message') as Promise<[{ readonly data: string }]>;
  socket.send(JSON.stringify({ id: 1, method, params }));
  const [{ data }] = await answered;
  return (JSON.parse(data) as { readonly result: unknown }).result;
}

interface Usage {
  /** Buffers are among what is external. */
  readonly result: { readonly value: { readonly heapUsed: number; readonly external: number } };
}
