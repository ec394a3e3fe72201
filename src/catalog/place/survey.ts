/**
 * What there is of Kylon in a store, and what a server would refuse of it. That is seen by the names of the objects, and, where they
 * can be read, by the two ends of each log and the first bytes of its newest checkpoint.
 */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { readHeader } from '../checkpoint/checkpoint-format.ts';
import { CheckpointFault } from '../checkpoint/checkpoint-frames.ts';
import type { ListedCheckpoint } from '../checkpoint/checkpoint-list.ts';
import { checkHistory, listCheckpoints } from '../checkpoint/checkpoint-list.ts';
import { CatalogFault } from '../fault.ts';
import type { Segment } from '../log/segment.ts';
import { openSegment } from '../log/segment.ts';
import { jump } from '../rollback/acceptance.ts';
import { refuseForeign } from './foreign.ts';
import type { Marker } from './marker.ts';
import { readMarker } from './marker.ts';
import { dataPrefix, logPrefix, segmentKey, segmentNumber } from '../paths.ts';

export interface CatalogSurvey {
  /** Undefined in a store that was never used, or that has lost it. */
  readonly marker: Marker | undefined;
  /** Whether the contents were looked at, which takes the keys where they are encrypted. */
  readonly isRead: boolean;
  readonly domains: readonly DomainSurvey[];
}

export interface DomainSurvey {
  readonly domain: string;
  /** Numbers of the first and of the newest segment; 0 where there is none. */
  readonly first: number;
  readonly newest: number;
  /** The lowest number between the two that is missing. */
  readonly gap: number | undefined;
  readonly checkpoints: number;
  /** Why a server refuses it; undefined where nothing was seen. */
  readonly fault: string | undefined;
  /** What is wrong with its newest checkpoint, which a server passes over. */
  readonly badCheckpoint: string | undefined;
}

type Names = Pick<DomainSurvey, 'domain' | 'first' | 'newest' | 'gap'>;

/**
 * `encrypted` says whether `store` has the keys. Rejects with a CatalogFault where the store holds somebody else's things, or a
 * format that this version does not know.
 */
export async function surveyCatalog(store: ObjectStore, encrypted: boolean, signal: AbortSignal): Promise<CatalogSurvey> {
  const marker = await readMarker(store, signal);
  if (marker === undefined) await refuseForeign(store, signal);
  const isRead = marker !== undefined && (marker.encryption !== undefined) === encrypted;
  const domains: DomainSurvey[] = [];
  for await (const domain of domainsIn(store, signal)) domains.push(await surveyDomain(store, domain, isRead, signal));
  return { marker, isRead, domains };
}

/** One request for each: a list begins anew behind the domain that was found. */
async function* domainsIn(store: ObjectStore, signal: AbortSignal): AsyncGenerator<string> {
  for (let last: string | undefined; ;) {
    const key = await firstKey(store, last === undefined ? undefined : `${dataPrefix}${last}0`, signal);
    if (key === undefined) return;
    last = key.slice(dataPrefix.length).split('/')[0] ?? '';
    yield last;
  }
}

async function firstKey(store: ObjectStore, after: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  for await (const { key } of store.list(dataPrefix, signal, after)) return key;
  return undefined;
}

async function surveyDomain(store: ObjectStore, domain: string, isRead: boolean, signal: AbortSignal): Promise<DomainSurvey> {
  const names = await namesIn(store, domain, signal);
  const checkpoints = await listCheckpoints(store, domain, signal);
  const last = checkpoints.at(-1);
  const fault = faultByName(names, last) ?? (isRead ? await faultInside(store, names, signal) : undefined);
  const badCheckpoint =
    isRead && fault === undefined && last !== undefined ? await faultOfCheckpoint(store, domain, last, signal) : undefined;
  return { ...names, checkpoints: checkpoints.length, fault, badCheckpoint };
}

async function namesIn(store: ObjectStore, domain: string, signal: AbortSignal): Promise<Names> {
  let [first, newest] = [0, 0];
  let gap: number | undefined;
  for await (const { key } of store.list(logPrefix(domain), signal)) {
    const n = segmentNumber(key);
    if (n === undefined) continue;
    if (first === 0) first = n;
    else if (n !== newest + 1) gap ??= newest + 1;
    newest = n;
  }
  return { domain, first, newest, gap };
}

function faultByName({ domain, newest, gap }: Names, checkpoint: ListedCheckpoint | undefined): string | undefined {
  if (gap !== undefined) return `${segmentKey(domain, gap)} is missing`;
  if (checkpoint === undefined || checkpoint.n <= newest) return undefined;
  if (newest === 0) return `the log is missing, but ${checkpoint.key} was made of it`;
  return `${segmentKey(domain, newest + 1)} is missing, but ${checkpoint.key} was made of later ones`;
}

/** What the newest segment and the first one show. */
async function faultInside(store: ObjectStore, { domain, first, newest }: Names, signal: AbortSignal): Promise<string | undefined> {
  if (newest === 0) return undefined;
  try {
    const last = await headerIn(store, { domain, n: newest }, signal);
    return first === 1 ? undefined : faultOfFront(domain, await headerIn(store, { domain, n: first }, signal), last);
  } catch (error) {
    if (error instanceof CatalogFault) return error.message;
    throw error;
  }
}

/** That the front is missing was accepted if the log has jumped since, or begins with the jump: only a jump brings numbers so far. */
function faultOfFront(domain: string, first: Segment['header'], last: Segment['header']): string | undefined {
  const hasJumped = first.count === 0 || last.firstRV - first.firstRV >= jump;
  return hasJumped ? undefined : `${segmentKey(domain, 1)} is missing, but segment ${first.n} is there`;
}

async function headerIn(
  store: ObjectStore,
  place: { readonly domain: string; readonly n: number },
  signal: AbortSignal,
): Promise<Segment['header']> {
  const key = segmentKey(place.domain, place.n);
  return (await openSegment(await store.read(key, signal), key, place)).header;
}

async function faultOfCheckpoint(
  store: ObjectStore,
  domain: string,
  { key, n }: ListedCheckpoint,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { body } = await store.stream(key, signal);
    await checkHistory(store, { domain, n }, await readHeader(body), signal);
    return undefined;
  } catch (error) {
    if (error instanceof CheckpointFault || error instanceof CatalogFault) return `${key}: ${error.message}`;
    throw error;
  }
}
