/** Writes the items file while the archive is written: its lines come as soon as their member has a place. */
import type { ObjectStore, Uploaded } from '../../objectstore/objectstore.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { compress } from './compression.ts';
import { compareKeys } from './item-key.ts';
import type { ItemRecord } from './item-record.ts';
import { encodeFooter } from './items-format.ts';
import type { Block } from './items-format.ts';

const rawBytes = 64 << 10;
/** Blocks that wait for the store. */
const queueBound = 4;

interface Line {
  readonly key: string;
  readonly text: string;
}

export class ItemsWriter {
  readonly uploaded: Promise<Uploaded>;
  readonly #queue = new BoundedQueue<Uint8Array>(queueBound);
  readonly #blocks: Block[] = [];
  #lines: Line[] = [];
  #rawSize = 0;
  #resource = '';
  #offset = 0;

  constructor(store: ObjectStore, key: string, signal: AbortSignal) {
    this.uploaded = store.upload(key, this.#queue, signal);
    this.uploaded.catch((error: unknown) => this.#queue.fail(error));
  }

  async add(record: ItemRecord): Promise<void> {
    const resource = record.key.slice(0, record.key.indexOf('/'));
    if (resource !== this.#resource || this.#rawSize >= rawBytes) await this.#seal();
    this.#resource = resource;
    const text = `${JSON.stringify(record)}\n`;
    this.#lines.push({ key: record.key, text });
    this.#rawSize += text.length;
  }

  /** Writes the index and the footer; resolves when the store has all of it. */
  async finish(): Promise<Uploaded> {
    await this.#seal();
    const index = await compress(Buffer.from(JSON.stringify(this.#blocks)));
    const footer = encodeFooter({ indexOffset: this.#offset, indexLength: index.length });
    await this.#queue.push(Buffer.concat([index, footer]));
    this.#queue.end();
    return this.uploaded;
  }

  fail(error: unknown): void {
    this.#queue.fail(error);
  }

  async #seal(): Promise<void> {
    const lines = this.#lines.sort((left, right) => compareKeys(left.key, right.key));
    const first = lines[0]?.key;
    const last = lines.at(-1)?.key;
    if (first === undefined || last === undefined) return;
    this.#lines = [];
    this.#rawSize = 0;
    const bytes = await compress(Buffer.from(lines.map(({ text }) => text).join('')));
    this.#blocks.push({ resource: this.#resource, first, last, offset: this.#offset, length: bytes.length, items: lines.length });
    this.#offset += bytes.length;
    await this.#queue.push(bytes);
  }
}
