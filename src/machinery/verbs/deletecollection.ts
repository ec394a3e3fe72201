/** DELETE of a collection: each of its objects as if it were deleted by itself. Answers with what was there. */
import type { Api } from '../api.ts';
import type { Answer } from '../call.ts';
import { deleteOptions } from '../input/delete-options.ts';
import { ApiError } from '../errors.ts';
import { readListing } from '../reading/listing.ts';
import { negotiate } from '../views/negotiate.ts';
import { deleteObject } from '../writing/remove.ts';
import type { ResourceCall } from '../resource.ts';
import type { Stored } from '../storage.ts';

/** Deletions at once: they share the commits of the store. */
const workers = 16;

/** One that is refused does not keep the others; the first refusal is the answer. */
export async function deleteCollection(api: Api, call: ResourceCall): Promise<Answer> {
  const { definition, user } = call;
  const representation = negotiate(api, call, 'list');
  const options = deleteOptions(call);
  const writer = { user, dryRun: options.dryRun, signal: call.signal, warn: (text: string) => call.warn(text) };
  const { metadata, pages } = await readListing(api, call);
  const deleted: Stored[] = [];
  for await (const page of pages) deleted.push(...page);
  await eachOf(deleted, async ({ key }) => {
    await deleteObject(api, definition, key, options, writer).catch(unlessGone);
  });
  const body = representation.list(definition, metadata, whole(deleted));
  return { status: 200, headers: { 'Content-Type': representation.contentType }, body };
}

async function eachOf(items: readonly Stored[], work: (item: Stored) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of waiting) await work(item).catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: workers }, worker));
  if (failures.length > 0) throw failures[0];
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError && error.code === 404)) throw error;
}

async function* whole(items: readonly Stored[]): AsyncGenerator<readonly Stored[]> {
  yield items;
}
