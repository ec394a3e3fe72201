/** Removes what uploads of processes that died left in a bucket: parts that nobody sees, and that cost room. */
import type { Clock } from '../../base/clock.ts';
import { StoreError } from '../objectstore.ts';
import type { S3Requests, StartedUpload } from './s3-requests.ts';

/** Milliseconds after its beginning when an upload is taken for left behind. S3 lets no clock be off by more than 15 minutes. */
const uploadLife = 24 * 3600 * 1000;

/** Leaves alone what it may not see or end: a store can be read without that right, and not every store knows of it. */
export async function sweepUploads(requests: S3Requests, clock: Clock, signal: AbortSignal): Promise<void> {
  const before = clock.now() - uploadLife;
  try {
    for await (const upload of unfinished(requests, signal)) if (upload.started < before) await requests.abandon(upload, signal);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

async function* unfinished(requests: S3Requests, signal: AbortSignal): AsyncGenerator<StartedUpload> {
  let page: Awaited<ReturnType<S3Requests['uploads']>>;
  let last: StartedUpload | undefined;
  do {
    page = await requests.uploads(last, signal);
    yield* page.items;
    last = page.items.at(-1);
  } while (page.more && last !== undefined);
}
