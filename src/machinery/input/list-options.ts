/** The query parameters of list and watch. https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions */
import { badRequest } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { booleanParameter, integerParameter, resourceVersionNumber } from './query-values.ts';
import { choiceFaults, refuseOptions } from './write-options.ts';

export interface ListOptions {
  /** Undefined: all. */
  readonly limit: number | undefined;
  /** Empty: from the start. */
  readonly continue: string;
  /** Undefined: the newest. 0: any. */
  readonly resourceVersion: number | undefined;
  readonly match: '' | 'Exact' | 'NotOlderThan';
}

export interface WatchOptions {
  readonly resourceVersion: number | undefined;
  /** Whether the client asked for the state first, or asked not to; undefined leaves it to resourceVersion. */
  readonly sendInitialEvents: boolean | undefined;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

/** Throws ApiError 400 or 422. */
export function listOptions(query: URLSearchParams): ListOptions {
  const given = readVersion(query);
  refuseOptions('ListOptions', listFaults(query, given.match));
  const limit = integerParameter(query, 'limit') ?? 0;
  const token = query.get('continue') ?? '';
  const resourceVersion = resourceVersionNumber(given.resourceVersion);
  if (token !== '' && resourceVersion) throw badRequest('specifying resource version is not allowed when using continue');
  return { limit: limit > 0 ? limit : undefined, continue: token, resourceVersion, match: given.match as ListOptions['match'] };
}

/** Throws ApiError 400 or 422. */
export function watchOptions(query: URLSearchParams): WatchOptions {
  const { resourceVersion, match } = readVersion(query);
  const sendInitialEvents = booleanParameter(query, 'sendInitialEvents');
  refuseOptions('ListOptions', watchFaults(query, match, sendInitialEvents !== undefined));
  return {
    resourceVersion: resourceVersionNumber(resourceVersion),
    sendInitialEvents,
    bookmarks: booleanParameter(query, 'allowWatchBookmarks') ?? false,
    timeoutSeconds: integerParameter(query, 'timeoutSeconds') || undefined,
  };
}

function readVersion(query: URLSearchParams) {
  return { resourceVersion: query.get('resourceVersion') ?? '', match: query.get('resourceVersionMatch') ?? '' };
}

const forbid = (field: string, detail: string): FieldError => ({ field, type: 'Forbidden', detail });

function listFaults(query: URLSearchParams, match: string): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  const version = query.get('resourceVersion') ?? '';
  return [
    ...(match && !version ? [forbid(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided')] : []),
    ...(match && query.get('continue') ? [continued] : []),
    ...(match ? choiceFaults(field, match, ['Exact', 'NotOlderThan', '']) : []),
    ...(match === 'Exact' && version === '0' ? [forbid(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')] : []),
    ...(query.has('sendInitialEvents') ? [forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list')] : []),
  ];
}

const continued = forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');

function watchFaults(query: URLSearchParams, match: string, initial: boolean): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  return [
    ...(initial && match !== 'NotOlderThan'
      ? [forbid(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')]
      : []),
    ...(match && !initial ? [forbid(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')] : []),
    ...(match ? choiceFaults(field, match, ['NotOlderThan']) : []),
    ...(query.get('continue') ? [continued] : []),
  ];
}
