/** The outcomes of a restore: one JSON line each, in the order in which they came, and the log beside them. */
import type { ObjectStore, Uploaded } from '../../objectstore/objectstore.ts';
import type { ItemResult } from '../../resources/services.ts';
import type { ResultsWriter } from './archive.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { logFile, resultsFile } from './files.ts';
import { putOnce } from './put-once.ts';

const pieceBytes = 64 << 10;
/** Pieces that wait for the store. */
const queueBound = 4;

/** `folder` has no slash at its end. The log is written last: without it the results are not complete. */
export async function createResultsWriter(store: ObjectStore, folder: string, signal: AbortSignal): Promise<ResultsWriter> {
  signal.throwIfAborted();
  return new LinesWriter(store, folder, signal);
}

class LinesWriter implements ResultsWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #queue = new BoundedQueue<Uint8Array>(queueBound);
  readonly #uploaded: Promise<Uploaded>;
  #piece = '';

  constructor(store: ObjectStore, folder: string, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#uploaded = store.upload(`${folder}/${resultsFile}`, this.#queue, this.#signal);
    this.#uploaded.catch((error: unknown) => this.#queue.fail(error));
  }

  async add({ group, resource, namespace, name, outcome, message }: ItemResult): Promise<void> {
    this.#signal.throwIfAborted();
    this.#piece += `${JSON.stringify({ group, resource, namespace, name, outcome, message })}\n`;
    if (this.#piece.length >= pieceBytes) await this.#flush();
  }

  async finish(log: string): Promise<void> {
    await this.#flush();
    this.#queue.end();
    await this.#uploaded;
    await putOnce(this.#store, `${this.#folder}/${logFile}`, Buffer.from(log), this.#signal);
  }

  /** Whoever has stored the results owns the folder: if that was not us, what lies there is another's. */
  async abort(): Promise<void> {
    this.#stop.abort(new Error('the results were given up'));
    const [uploaded] = await Promise.allSettled([this.#uploaded]);
    if (uploaded.status === 'rejected') return;
    const { signal } = new AbortController();
    await Promise.allSettled([logFile, resultsFile].map((file) => this.#store.delete(`${this.#folder}/${file}`, signal)));
  }

  async #flush(): Promise<void> {
    const piece = Buffer.from(this.#piece);
    this.#piece = '';
    if (piece.length > 0) await this.#queue.push(piece);
  }
}
