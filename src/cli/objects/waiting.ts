/** Waits for an object to come to a state, over cut watches and servers that are away for a while. */
import { withDeadline } from '../../base/lifetime.ts';
import type { Clock } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import { isAway } from '../api/away.ts';
import { Refusal } from '../api/refusal.ts';
import { Unreachable } from '../api/unreachable.ts';
import { collectionOf, pathOf } from './kind.ts';
import type { Kind } from './kind.ts';

export interface Awaited {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** Milliseconds. A watch is opened anew this often, so that one over a dead connection costs no more. */
const longestWatch = 60_000;
const patience = longestWatch + 15_000;
const pause = 1_000;
/** For so long may no answer come at all. */
const longestSilence = 120_000;

interface Parts {
  readonly api: Api;
  readonly clock: Clock;
}

interface Wish {
  readonly isDone: (object: KubeObject) => boolean;
  /** Is shown every state before. */
  readonly see: (object: KubeObject) => void;
}

/**
 * The object as soon as it is done; undefined when it is gone. Rejects with Refusal when it may not be read, and with what failed when
 * the server was away for two minutes.
 */
export async function waitFor(parts: Parts, what: Awaited, wish: Wish, signal: AbortSignal): Promise<KubeObject | undefined> {
  const { api, clock } = parts;
  let answered = clock.monotonic();
  for (;;) {
    try {
      const object = await read(api, what, signal);
      answered = clock.monotonic();
      const end = await endOf(startingWith(object, parts, what, signal), wish);
      if (end) return end.object;
    } catch (error) {
      if (!isAway(error) || clock.monotonic() - answered > longestSilence) throw error;
    }
    await clock.sleep(pause, signal);
  }
}

/** The state that is wished for, or that it is gone; undefined where neither came. */
async function endOf(states: AsyncIterable<KubeObject | undefined>, { isDone, see }: Wish) {
  for await (const object of states) {
    if (!object || isDone(object)) return { object };
    see(object);
  }
  return undefined;
}

async function* startingWith(object: KubeObject | undefined, parts: Parts, what: Awaited, signal: AbortSignal) {
  yield object;
  if (object) yield* statesOf(parts, what, object, signal);
}

async function read(api: Api, { kind, namespace, name }: Awaited, signal: AbortSignal): Promise<KubeObject | undefined> {
  try {
    return await api.json<KubeObject>({ path: pathOf(kind, namespace, name) }, signal);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * What changes from here on, undefined at its deletion, until the watch ends. A watch that is refused, by its age or for want of
 * the right to watch, is one that ends at once: then reading now and then has to do.
 */
async function* statesOf(
  { api, clock }: Parts,
  { kind, namespace, name }: Awaited,
  { metadata }: KubeObject,
  signal: AbortSignal,
): AsyncIterable<KubeObject | undefined> {
  const { resourceVersion } = metadata;
  const query = { fieldSelector: `metadata.name=${name}`, resourceVersion, timeoutSeconds: String(longestWatch / 1000) };
  const stop = new AbortController();
  const events = api.watch({ path: collectionOf(kind, namespace), query }, AbortSignal.any([signal, stop.signal]))[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await withDeadline(clock, patience, signal, lateness, () => events.next());
      if (next.done) return;
      yield next.value.type === 'DELETED' ? undefined : (next.value.object as KubeObject);
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  } finally {
    stop.abort(new Error('the watch is not wanted any more'));
  }
}

const lateness = () => new Unreachable('the watch is silent', undefined);
