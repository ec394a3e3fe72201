/** GET of a collection with ?watch. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
import type { Api } from '../api.ts';
import type { Answer } from '../call.ts';
import { groupResource, resourceKey } from '../keys.ts';
import { watchOptions } from '../input/list-options.ts';
import type { WatchOptions } from '../input/list-options.ts';
import { selected } from '../reading/listing.ts';
import { negotiate } from '../views/negotiate.ts';
import type { ResourceCall } from '../resource.ts';
import { selectionOf } from '../reading/selection.ts';
import type { Selection } from '../reading/selection.ts';
import { toApiError } from '../storage-errors.ts';
import type { ListQuery } from '../storage.ts';
import { watchStream } from '../reading/watch-stream.ts';
import type { WatchPlan } from '../reading/watch-stream.ts';

export async function watch(api: Api, call: ResourceCall): Promise<Answer> {
  const representation = negotiate(api, call, 'watch');
  const options = watchOptions(call.query);
  const selection = selectionOf(call);
  const start = await startOf(api, call, options, selection);
  const plan: WatchPlan = {
    definition: call.definition,
    query: { ...scopeOf(call), since: start.since },
    selection,
    initial: start.initial,
    marksInitial: options.sendInitialEvents === true && options.bookmarks,
    bookmarks: options.bookmarks,
    length: lengthOf(api, options.timeoutSeconds),
  };
  const body = watchStream(api, plan, representation.events(call.definition), call.signal);
  return { status: 200, headers: { 'Content-Type': representation.contentType }, body };
}

function scopeOf({ definition, resource }: ResourceCall) {
  const namespace = definition.namespaced ? resource.namespace : undefined;
  return { resource: resourceKey(definition), ...(namespace !== undefined && { namespace }) };
}

/** Without a number, or with 0, a watch begins with all there is. */
async function startOf(
  api: Api,
  call: ResourceCall,
  { resourceVersion, sendInitialEvents }: WatchOptions,
  selection: Selection,
): Promise<{ since: number; initial: WatchPlan['initial'] }> {
  // While nothing can be answered this throws: a watch that ends at once would be begun anew at once.
  api.storage.current();
  if (!(sendInitialEvents ?? !resourceVersion))
    return { since: resourceVersion || (await newest(api, resourceVersion, call.signal)), initial: undefined };
  try {
    const page = await api.storage.list({ ...scopeOf(call), at: stateFor(resourceVersion) }, call.signal);
    return { since: page.rv, initial: selected(page.items, selection) };
  } catch (error) {
    throw toApiError(error, groupResource(call.definition), '', resourceVersion);
  }
}

async function newest(api: Api, resourceVersion: number | undefined, signal: AbortSignal): Promise<number> {
  return resourceVersion === 0 ? api.storage.current() : api.storage.latest(signal);
}

function stateFor(resourceVersion: number | undefined): ListQuery['at'] {
  if (resourceVersion === undefined) return 'latest';
  return resourceVersion === 0 ? 'any' : { rv: resourceVersion, exact: false };
}

const second = 1000;
const halfHour = 30 * 60 * second;
const day = 24 * 60 * 60 * second;

/** Milliseconds; where the client does not say, between half an hour and an hour, so that not all come back at once. */
function lengthOf(api: Api, timeoutSeconds: number | undefined): number {
  if (timeoutSeconds !== undefined && timeoutSeconds > 0) return Math.min(timeoutSeconds * second, day);
  return Math.round(halfHour * (1 + Number.parseInt(api.ids.hex(4), 16) / 2 ** 32));
}
