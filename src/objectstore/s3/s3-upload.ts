/**
 * Uploads to S3 in constant memory: what fits in one part by one request, more in parts. The condition stands on the last
 * request, so an upload shows only when it is whole, and only if the key is free.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { withDeadline } from '../../base/lifetime.ts';
import { inChunks } from '../chunks.ts';
import { interruptible } from '../interruptible.ts';
import type { Uploaded } from '../objectstore.ts';
import { StoreConflict, StoreDamaged, StoreUnavailable } from '../objectstore.ts';
import type { Multipart, S3Requests, SentPart } from './s3-requests.ts';
import { Slots } from '../slots.ts';
import { Tries } from '../tries.ts';

const chunkBytes = 8 * 1024 * 1024;
/** Parts after which they get twice as large, so that 10 000, the most that S3 takes, hold 5 TiB, the most that it takes. */
const partsOfOneSize = 1000;
const mostDoublings = 8;
/** Parts of one upload that are on their way; one waits, and one is being filled. */
const mostSending = 3;
/** Milliseconds for removing the parts of an upload that failed; what stays is swept when a store is opened. */
const abandonTime = 5000;

export interface UploadParts {
  readonly requests: S3Requests;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Of the store, for messages. */
  readonly name: string;
}

interface Part {
  readonly number: number;
  readonly body: Uint8Array;
  readonly last: boolean;
}

type Finish = () => Promise<'created' | 'exists'>;

export async function uploadToS3(parts: UploadParts, key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
  const hash = createHash('sha256');
  let bytes = 0;
  const upload = new S3Upload(parts, key, signal);
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of interruptible(body, upload.signal)) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
  }
  try {
    const finish = await upload.send(counted());
    await settle(parts, upload, bytes, finish, signal);
  } catch (error) {
    await upload.abandon(parts.clock);
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** How many chunks the part of this number, from 1, consists of. */
export function chunksOfPart(number: number): number {
  return 2 ** Math.min(mostDoublings, Math.floor((number - 1) / partsOfOneSize));
}

/** At least one part, though it may be empty. */
async function* inParts(source: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  let number = 1;
  let held: Uint8Array[] = [];
  for await (const chunk of inChunks(source, chunkBytes)) {
    if (held.length === chunksOfPart(number)) {
      yield { number, body: joined(held), last: false };
      number++;
      held = [];
    }
    held.push(chunk);
  }
  yield { number, body: joined(held), last: true };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

class S3Upload {
  readonly key: string;
  readonly attempt: string;
  /** Aborts also when a part could not be sent. */
  readonly signal: AbortSignal;
  readonly #parts: UploadParts;
  readonly #stop = new AbortController();
  readonly #slots = new Slots(mostSending, 1);
  readonly #sent: Promise<SentPart>[] = [];
  #multipart: Multipart | undefined;

  constructor(parts: UploadParts, key: string, signal: AbortSignal) {
    this.#parts = parts;
    this.key = key;
    this.attempt = parts.ids.hex(16);
    this.signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Sends everything but the last request, the one that makes the object: that is what it resolves with. */
  async send(body: AsyncIterable<Uint8Array>): Promise<Finish> {
    const { requests } = this.#parts;
    for await (const part of inParts(body)) {
      if (part.last && part.number === 1) return () => requests.put(this.key, part.body, this.signal, { attempt: this.attempt });
      const multipart = (this.#multipart ??= await requests.start(this.key, this.attempt, this.signal));
      await this.#sendPart(multipart, part);
      if (!part.last) continue;
      const sent = await Promise.all(this.#sent);
      return () => requests.complete(multipart, sent, this.signal);
    }
    throw new Error('an upload has a last part');
  }

  /** Resolves when the next part may come. */
  async #sendPart(multipart: Multipart, { number, body }: Part): Promise<void> {
    const slot = await this.#slots.enter(this.signal);
    const { requests } = this.#parts;
    // A part may be sent twice: the last one of a number counts, and both are the same.
    const sent = new Tries(this.#parts, this.signal)
      .until(() => requests.sendPart(multipart, number, body, this.signal))
      .finally(() => slot[Symbol.dispose]());
    sent.catch((error: unknown) => this.#stop.abort(error));
    this.#sent.push(sent);
  }

  async abandon(clock: Clock): Promise<void> {
    const multipart = this.#multipart;
    this.#stop.abort(new Error('the upload has failed'));
    await Promise.allSettled(this.#sent);
    if (multipart === undefined) return;
    const late = () => new StoreUnavailable('the parts of the upload could not be removed in time');
    await withDeadline(clock, abandonTime, new AbortController().signal, late, (signal) =>
      this.#parts.requests.abandon(multipart, signal),
    ).catch(() => {});
  }
}

/** Sends the last request; the object itself tells what became of it, if the answer does not, and whether it is all there. */
async function settle(
  { requests, name }: UploadParts,
  { key, attempt }: S3Upload,
  bytes: number,
  finish: Finish,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await finish().catch((error: unknown) => {
    if (error instanceof StoreUnavailable) return error;
    throw error;
  });
  const found = await requests.head(key, signal);
  const isOurs = found?.attempt === attempt;
  if (!isOurs && outcome === 'exists') throw new StoreConflict(`${name}: ${key} exists already`);
  if (!isOurs && outcome !== 'created') throw outcome;
  if (found === undefined) throw new StoreUnavailable(`${name}: ${key} was uploaded, and cannot be found`);
  if (found.size === bytes) return;
  if (isOurs) await requests.delete(key, signal);
  throw new StoreDamaged(`${name}: ${key} has ${found.size} bytes in the store, and ${bytes} were sent`);
}
