/** The object store as one process sees it: over a network that loses, delays, repeats and damages what the plan says. */
import { createHash } from 'node:crypto';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, Uploaded } from '../../src/objectstore/objectstore.ts';
import { StoreConflict, StoreDenied, StoreFull, StoreNotFound, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { boundsOf } from '../../src/objectstore/ranges.ts';
import type { Bucket } from './bucket.ts';
import type { Life } from './life.ts';
import type { Armed, Mishap, RequestKind, Storm } from './mishaps.ts';
import { mishaps } from './mishaps.ts';
import type { Random } from './random.ts';

/** What a replica's way to the store is like. It outlives its processes. */
export interface Network {
  readonly random: Random;
  /** Milliseconds, each way, at most. */
  readonly latency: number;
  armed: Armed[];
  storm: Storm | undefined;
  readonly count: (what: string) => void;
}

const pageKeys = 3;
/** Milliseconds after which a provider gives up a request by itself. */
const giveUp = 60_000;
const well: Mishap = { arrives: 'once', isLate: false, answer: 'true', kills: false };

interface Request<T> {
  readonly kind: RequestKind;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly effect: () => T;
  /** What a damaged answer looks like. */
  readonly damage?: (answer: T, how: Mishap['answer']) => T;
  readonly told?: (answer: string) => void;
}

export class SimulatedStore implements ObjectStore {
  readonly name = 'simulated:';
  readonly #life: Life;
  readonly #bucket: Bucket;
  readonly #network: Network;
  readonly #die: () => void;

  constructor(life: Life, bucket: Bucket, network: Network, die: () => void) {
    this.#life = life;
    this.#bucket = bucket;
    this.#network = network;
    this.#die = die;
  }

  putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    const sent = { key, body: Uint8Array.from(body), writer: this.#life.name, there: this.#bucket.objects.get(key), answer: '' };
    this.#bucket.sent.push(sent);
    return this.#request({
      kind: 'put',
      key,
      signal,
      effect: () => this.#bucket.put(key, sent.body),
      damage: (_, how) => (how === 'exists' ? 'exists' : _),
      told: (answer) => (sent.answer = answer),
    });
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(Uint8Array.from(piece));
    const whole = Buffer.concat(pieces);
    if ((await this.putIfAbsent(key, whole, signal)) === 'exists') throw new StoreConflict(`${key} exists already`);
    return { bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') };
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    const whole = await this.#read(key, signal);
    const { start, end } = boundsOf(key, whole.length, range);
    return whole.slice(start, end);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    const whole = await this.#read(key, signal);
    const { start, end } = boundsOf(key, whole.length, range);
    return { size: whole.length, body: inPieces(whole.subarray(start, end)) };
  }

  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    return this.#request({ kind: 'read', key, signal, effect: () => this.#bucket.objects.get(key)?.length });
  }

  async *list(prefix: string, signal: AbortSignal, startAfter = ''): AsyncIterable<StoredKey> {
    for (let after = startAfter; ;) {
      const start = after;
      const page = await this.#request({
        kind: 'list',
        key: prefix,
        signal,
        effect: () => this.#bucket.keys(prefix, start).slice(0, pageKeys),
        damage: (keys, how) => (how === 'stale' ? keys.slice(0, -1) : keys),
      });
      for (const key of page) yield { key, size: this.#bucket.objects.get(key)?.length ?? 0 };
      const last = page.at(-1);
      if (last === undefined || page.length < pageKeys) return;
      after = last;
    }
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#request({ kind: 'delete', key, signal, effect: () => this.#bucket.delete(key, this.#life.name) });
  }

  async close(): Promise<void> {}

  #read(key: string, signal: AbortSignal): Promise<Uint8Array> {
    const effect = () => {
      const body = this.#bucket.objects.get(key);
      if (body === undefined) throw new StoreNotFound(`${key} does not exist`);
      return body;
    };
    return this.#request({ kind: 'read', key, signal, effect, damage: (body, how) => damaged(body, how, key, this.#network.random) });
  }

  #request<T>(request: Request<T>): Promise<T> {
    const { kind, key, signal } = request;
    const { mishap, ms, name } = this.#nextMishap(kind, key);
    if (name !== '') this.#network.count(`${kind}: ${name}`);
    return new Promise((resolve, reject) => {
      const abort = () => {
        late.isCancelled = true;
        reject(signal.reason as Error);
      };
      if (signal.aborted) return reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      const late = this.#life.post(giveUp, `gives up ${kind} ${key}`, () => {
        signal.removeEventListener('abort', abort);
        reject(new StoreUnavailable(`${key}: no answer`));
      });
      const answer = (delay: number, settle: () => void, told: string) =>
        this.#life.post(delay, `hears of ${kind} ${key}`, () => {
          request.told?.(told);
          late.isCancelled = true;
          signal.removeEventListener('abort', abort);
          settle();
        });
      this.#send(request, mishap, ms, answer, { resolve, reject });
    });
  }

  #send<T>(
    { kind, key, effect, damage = (answer) => answer }: Request<T>,
    mishap: Mishap,
    ms: number,
    answer: (delay: number, settle: () => void, told: string) => void,
    { resolve, reject }: { resolve: (value: T) => void; reject: (error: Error) => void },
  ): void {
    const fault = faultOf(mishap, key);
    if (mishap.arrives === 'never' || mishap.answer === 'early') {
      if (fault !== undefined) answer(this.#hop() + this.#hop(), () => reject(fault), fault.name);
      if (mishap.arrives === 'never') return;
    }
    if (mishap.kills && mishap.isLate) this.#life.post(this.#hop(), `dies after ${kind} ${key}`, this.#die);
    const arrive = (isFirst: boolean) => {
      this.#bucket.travelling--;
      const result = attempt(effect);
      if (!isFirst) return;
      if (mishap.kills && !mishap.isLate) this.#die();
      if (mishap.answer === 'none' || mishap.answer === 'early') return;
      const delay = mishap.answer === 'late' ? ms : this.#hop();
      if (fault !== undefined) return answer(delay, () => reject(fault), fault.name);
      if ('error' in result) return answer(delay, () => reject(result.error), result.error.name);
      const value = attempt(() => damage(result.value, mishap.answer));
      answer(
        delay,
        () => ('error' in value ? reject(value.error) : resolve(value.value)),
        String('error' in value ? value.error : 'value'),
      );
    };
    for (const isFirst of mishap.arrives === 'twice' ? [true, false] : [true]) {
      this.#bucket.travelling++;
      this.#life.scheduler.after(mishap.isLate || !isFirst ? ms : this.#hop(), `${kind} ${key}`, () => arrive(isFirst));
    }
  }

  #hop(): number {
    return this.#network.random.between(0, this.#network.latency);
  }

  #nextMishap(kind: RequestKind, key: string): { readonly mishap: Mishap; readonly ms: number; readonly name: string } {
    const { storm, random, armed } = this.#network;
    const isMeant = (one: Armed) => one.kind === kind && key.includes(one.part);
    const first = armed.find(isMeant);
    if (first !== undefined && first.skip-- === 0) {
      this.#network.armed = armed.filter((one) => one !== first);
      return { mishap: mishaps[kind][first.name] ?? well, ms: first.ms, name: first.name };
    }
    if (storm === undefined || this.#life.scheduler.now >= storm.until || !random.chance(storm.rate / 100))
      return { mishap: well, ms: 0, name: '' };
    const names = storm.names[kind];
    if (names.length === 0) return { mishap: well, ms: 0, name: '' };
    const name = random.pick(names);
    return { mishap: mishaps[kind][name] ?? well, ms: random.spread(1, storm.until - this.#life.scheduler.now + 1000), name };
  }
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly error: Error } {
  try {
    return { value: work() };
  } catch (error) {
    return { error: error as Error };
  }
}

function faultOf({ answer }: Mishap, key: string): Error | undefined {
  if (answer === 'full') return new StoreFull(`${key}: no room`);
  if (answer === 'denied') return new StoreDenied(`${key}: no right`);
  if (answer === 'error' || answer === 'early') return new StoreUnavailable(`${key}: the connection was reset`);
  return undefined;
}

/** Only damage that an honest store could do on the way: a segment that is there is never said to be missing. */
function damaged(body: Uint8Array, how: Mishap['answer'], key: string, random: Random): Uint8Array {
  if (how === 'missing' && key.includes('/ckpt/')) throw new StoreNotFound(`${key} does not exist`);
  if (how === 'cut') return body.slice(0, random.below(body.length));
  if (how !== 'flipped') return body;
  const flipped = Uint8Array.from(body);
  const at = random.below(body.length);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
  return flipped;
}

async function* inPieces(whole: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += 1000) yield whole.slice(at, at + 1000);
}
