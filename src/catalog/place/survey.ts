/** What there is of Kylon in a store, by the names of its objects alone: no key is needed, and nothing is read but the marker. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { listCheckpoints } from '../checkpoint/checkpoint-list.ts';
import { refuseForeign } from './foreign.ts';
import type { Marker } from './marker.ts';
import { readMarker } from './marker.ts';
import { dataPrefix, logPrefix, segmentNumber } from '../paths.ts';

export interface CatalogSurvey {
  /** Undefined in a store that was never used, or that has lost it. */
  readonly marker: Marker | undefined;
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
}

/** Rejects with a CatalogFault where the store holds somebody else's things, or a format that this version does not know. */
export async function surveyCatalog(store: ObjectStore, signal: AbortSignal): Promise<CatalogSurvey> {
  const marker = await readMarker(store, signal);
  if (marker === undefined) await refuseForeign(store, signal);
  const domains: DomainSurvey[] = [];
  for await (const domain of domainsIn(store, signal)) domains.push(await surveyDomain(store, domain, signal));
  return { marker, domains };
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

async function surveyDomain(store: ObjectStore, domain: string, signal: AbortSignal): Promise<DomainSurvey> {
  let [first, newest] = [0, 0];
  let gap: number | undefined;
  for await (const { key } of store.list(logPrefix(domain), signal)) {
    const n = segmentNumber(key);
    if (n === undefined) continue;
    if (first === 0) first = n;
    else if (n !== newest + 1) gap ??= newest + 1;
    newest = n;
  }
  return { domain, first, newest, gap, checkpoints: (await listCheckpoints(store, domain, signal)).length };
}
