/** Blobs one after the other, with what stands between them, in constant memory: one batch is read while the one before is taken. */
import { setImmediate } from 'node:timers/promises';
import type { Blob } from './packs.ts';

export interface BlobStep {
  readonly blob: Blob;
}

/** The first batch is small, so that its bytes are there soon. In bytes, expanded. */
const firstBatch = 256 << 10;
const fullBatch = 4 << 20;
const mostSteps = 1_000;

/** Each blob replaced by what is in it; all else as it is. `read` is asked for a batch, and answers in its order. */
export async function* inOrder<T extends object>(
  steps: AsyncIterable<T | BlobStep> | Iterable<T | BlobStep>,
  read: (blobs: readonly Blob[]) => Promise<readonly Buffer[]>,
): AsyncGenerator<T | Buffer> {
  let ahead: Promise<readonly (T | Buffer)[]> | undefined;
  for await (const batch of batched(steps)) {
    const reading = filled(batch, read);
    // Looked at in its turn; until then it is nobody's fault.
    reading.catch(() => {});
    if (ahead) yield* await ahead;
    ahead = reading;
  }
  if (ahead) yield* await ahead;
}

async function* batched<T extends object>(
  steps: AsyncIterable<T | BlobStep> | Iterable<T | BlobStep>,
): AsyncGenerator<readonly (T | BlobStep)[]> {
  let batch: (T | BlobStep)[] = [];
  let [bytes, limit] = [0, firstBatch];
  for await (const step of steps) {
    batch.push(step);
    if (isBlob(step)) bytes += step.blob.place.plainLength;
    if (bytes < limit && batch.length < mostSteps) continue;
    yield batch;
    // A long row of files without content reads nothing, and others must have their turn.
    await setImmediate();
    [batch, bytes, limit] = [[], 0, fullBatch];
  }
  if (batch.length > 0) yield batch;
}

async function filled<T extends object>(
  batch: readonly (T | BlobStep)[],
  read: (blobs: readonly Blob[]) => Promise<readonly Buffer[]>,
): Promise<readonly (T | Buffer)[]> {
  const contents = (await read(batch.filter(isBlob).map(({ blob }) => blob))).values();
  return batch.map((step) => (isBlob(step) ? (contents.next().value ?? Buffer.alloc(0)) : step));
}

const isBlob = (step: object): step is BlobStep => 'blob' in step;
