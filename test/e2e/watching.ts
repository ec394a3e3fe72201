/** A watch over HTTP, event by event, as a client without a library reads it. */
import { expect } from 'vitest';
import type { KubeObject } from './kubectl.ts';

interface WatchEvent {
  readonly type: string;
  readonly object: KubeObject & Record<string, unknown>;
}

interface Watching {
  readonly status: number;
  readonly headers: Headers;
  /** The next so many events; rejects when there are fewer. */
  take(count: number): Promise<WatchEvent[]>;
  /** What comes until the server ends the watch; rejects when it breaks off instead. */
  rest(): Promise<WatchEvent[]>;
  cancel(): Promise<void>;
}

/** Resolves with the headers. An event is a line by itself. */
export async function watching(url: string, headers: Record<string, string> = {}): Promise<Watching> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(60_000) });
  const events = eventsOf(response);
  return {
    status: response.status,
    headers: response.headers,
    async take(count) {
      const taken: WatchEvent[] = [];
      while (taken.length < count) {
        const { done, value } = await events.next();
        expect(done, `the watch ended after ${JSON.stringify(taken)}`).toBeFalsy();
        taken.push(value as WatchEvent);
      }
      return taken;
    },
    async rest() {
      const left: WatchEvent[] = [];
      for (let next = await events.next(); !next.done; next = await events.next()) left.push(next.value);
      return left;
    },
    async cancel() {
      await events.return(undefined);
    },
  };
}

async function* eventsOf({ body }: Response): AsyncGenerator<WatchEvent, undefined> {
  let text = '';
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (text + piece).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as WatchEvent;
  }
  expect(text).toBe('');
  return undefined;
}
