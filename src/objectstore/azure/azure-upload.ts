/**
 * A stream becomes a blob: in one request if it fits into one block, else block by block and then, by one more request that names
 * the blocks, all at once. Blocks that no such request names are seen by nobody, and Azure throws them away after a week.
 */
import { createHash } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { blocksOf, mostBlocks } from './azure-blocks.ts';
import type { Block } from './azure-blocks.ts';
import { isTaken } from './azure-errors.ts';
import type { SendToAzure } from './azure-request.ts';
import { interruptible } from '../interruptible.ts';
import type { Uploaded } from '../objectstore.ts';
import { StoreConflict, StoreError, StoreNotFound, StoreUnavailable } from '../objectstore.ts';
import { Tries } from '../tries.ts';

/** Blocks that are under way at once, beside the one that fills. */
const mostInFlight = 3;
/** Metadata that tells whose upload a blob is. */
const attemptField = 'kylonattempt';

export interface AzureTarget {
  readonly blob: BlockBlobClient;
  readonly key: string;
  /** Store and key, for messages. */
  readonly what: string;
  readonly send: SendToAzure;
  readonly clock: Clock;
  readonly ids: Ids;
}

type Outcome = 'created' | 'exists';

export async function createBlob(
  { blob, key, send }: AzureTarget,
  body: Uint8Array,
  signal: AbortSignal,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const options = { conditions: { ifNoneMatch: '*' }, transactionalContentMD5: md5Of(body), metadata };
  return send({ doing: `write ${key}`, bytes: body.length }, signal, (abortSignal) =>
    unlessTaken(blob.upload(bufferOf(body), body.length, { ...options, abortSignal })),
  );
}

/** `attempt` is used for one upload only: 16 hexadecimal digits. */
export async function uploadBlob(
  target: AzureTarget,
  attempt: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Uploaded> {
  const upload = new BlockUpload(target, attempt, signal);
  const outcome = await upload.run(source);
  await prove(target, attempt, { outcome, bytes: upload.bytes }, signal);
  return { bytes: upload.bytes, sha256: upload.sha256() };
}

class BlockUpload {
  bytes = 0;
  readonly #target: AzureTarget;
  readonly #attempt: string;
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #hash = createHash('sha256');
  readonly #blocks: string[] = [];
  readonly #inFlight = new Set<Promise<void>>();

  constructor(target: AzureTarget, attempt: string, signal: AbortSignal) {
    this.#target = target;
    this.#attempt = attempt;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  sha256(): string {
    return this.#hash.digest('hex');
  }

  /** What the last request said, or the StoreError that it ended with. What fails before that is thrown. */
  async run(source: AsyncIterable<Uint8Array>): Promise<Outcome | StoreError> {
    try {
      for await (const block of blocksOf(this.#counted(interruptible(source, this.#signal)))) {
        if (block.isLast && this.#blocks.length === 0) return await this.#createWhole(block);
        await this.#stage(block);
      }
      await Promise.all(this.#inFlight);
      return await errorAsOutcome(this.#commit());
    } finally {
      this.#stop.abort(new Error('the upload has ended'));
      await Promise.allSettled(this.#inFlight);
    }
  }

  async *#counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      this.#hash.update(piece);
      this.bytes += piece.length;
      yield piece;
    }
  }

  #createWhole({ bytes }: Block): Promise<Outcome | StoreError> {
    return errorAsOutcome(createBlob(this.#target, bytes, this.#signal, { [attemptField]: this.#attempt }));
  }

  /** Waits for room. A block that fails ends the upload, though its source may be silent just then. */
  async #stage({ bytes }: Block): Promise<void> {
    const { blob, key, what, send } = this.#target;
    if (this.#blocks.length === mostBlocks) throw new StoreError(`${what} is too long for a blob: it has more than ${mostBlocks} blocks`);
    while (this.#inFlight.size === mostInFlight) await Promise.race(this.#inFlight);
    const id = this.#nextId();
    const options = { transactionalContentMD5: md5Of(bytes) };
    // A block may be sent twice: the last one of an id counts, and both are the same.
    const sending = new Tries(this.#target, this.#signal).until(() =>
      send({ doing: `write ${key}`, bytes: bytes.length }, this.#signal, async (abortSignal) => {
        await blob.stageBlock(id, bufferOf(bytes), bytes.length, { ...options, abortSignal });
      }),
    );
    this.#inFlight.add(sending);
    sending.then(
      () => this.#inFlight.delete(sending),
      (error: unknown) => this.#stop.abort(error),
    );
  }

  /** All ids of a blob must be of one length; the attempt keeps the blocks of two uploads apart. */
  #nextId(): string {
    const id = Buffer.from(`${this.#attempt}-${String(this.#blocks.length).padStart(5, '0')}`).toString('base64');
    this.#blocks.push(id);
    return id;
  }

  #commit(): Promise<Outcome> {
    const { blob, key, send } = this.#target;
    const options = { conditions: { ifNoneMatch: '*' }, metadata: { [attemptField]: this.#attempt } };
    return send({ doing: `write ${key}` }, this.#signal, (abortSignal) =>
      unlessTaken(blob.commitBlockList(this.#blocks, { ...options, abortSignal })),
    );
  }
}

interface Claim {
  readonly outcome: Outcome | StoreError;
  readonly bytes: number;
}

/** Whatever the last request answered, what lies there decides: whose it is, and whether it is whole. */
async function prove(target: AzureTarget, attempt: string, { outcome, bytes }: Claim, signal: AbortSignal): Promise<void> {
  const { blob, key, what, send } = target;
  const found = await send({ doing: `look at ${key}` }, signal, (abortSignal) => blob.getProperties({ abortSignal })).catch(
    (error: unknown) => {
      if (error instanceof StoreNotFound) return undefined;
      throw outcome instanceof StoreError ? outcome : error;
    },
  );
  if (found === undefined)
    throw outcome instanceof StoreError ? outcome : new StoreUnavailable(`${what} cannot be found after it was written`);
  if (found.metadata?.[attemptField] !== attempt) throw new StoreConflict(`${what} exists already`);
  if (found.contentLength === bytes) return;
  await send({ doing: `delete ${key}` }, signal, (abortSignal) => blob.delete({ abortSignal }));
  throw new StoreUnavailable(`${what}: of ${bytes} bytes ${found.contentLength} were stored`);
}

async function unlessTaken(writing: Promise<unknown>): Promise<Outcome> {
  try {
    await writing;
    return 'created';
  } catch (error) {
    if (isTaken(error)) return 'exists';
    throw error;
  }
}

async function errorAsOutcome(writing: Promise<Outcome>): Promise<Outcome | StoreError> {
  return writing.catch((error: unknown) => {
    if (error instanceof StoreError) return error;
    throw error;
  });
}

function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

/** The SDK knows the length of a Buffer only. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
