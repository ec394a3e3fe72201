/** One of those who write: objects of its own, changed, deleted and made anew, by whichever server is up. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '../e2e/replica.ts';
import { changeIn, objectOf, path } from './collection.ts';

export interface Write {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly name: string;
  readonly token: string;
  /** 0 where no answer came. */
  readonly status: number;
  /** Of the answer; 0 where there is none. */
  readonly rv: number;
}

/** Milliseconds between two writes of one writer: with ten of them about a hundred writes a second. */
const pace = 80;
/** Every so many writes an object is deleted, and with the next one made anew. */
const deletion = 10;

export class Writer {
  readonly writes: Write[] = [];
  readonly #id: number;
  readonly #objects: number;
  #sent = 0;

  constructor(id: number, objects: number) {
    this.#id = id;
    this.#objects = objects;
  }

  /** Makes all its objects. */
  async fill(replica: Replica): Promise<void> {
    for (let n = 0; n < this.#objects; n++) await this.#write(replica, 'POST', n);
  }

  async run(replicas: readonly [Replica, Replica], signal: AbortSignal): Promise<void> {
    for (let n = 0; !signal.aborted; n++) {
      const at = (n * 7) % this.#objects;
      const replica = replicas[(this.#id + n) % 2 ? 1 : 0];
      await this.#write(replica, n % deletion === 0 ? 'DELETE' : 'PUT', at);
      if (n % deletion === 0) await this.#write(replica, 'POST', at);
      await sleep(pace);
    }
  }

  async #write(replica: Replica, method: Write['method'], n: number): Promise<void> {
    const name = `w${this.#id}-${n}`;
    const token = `${this.#id}.${this.#sent++}`;
    const target = method === 'POST' ? path : `${path}/${name}`;
    const body = method === 'DELETE' ? undefined : objectOf(name, token);
    const { status, text } = await replica.send(method, target, body).catch(() => ({ status: 0, text: '' }));
    this.writes.push({ method, name, token, status, rv: status < 300 ? changeIn(text).rv : 0 });
  }
}
