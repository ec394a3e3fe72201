/**
 * Goes on with a log that has gone back, once an operator has accepted that: what lies beyond its end is put aside, and the
 * numbers go on far behind all that clients can have seen. All replicas are stopped meanwhile. It can be ended at any moment and
 * begun again: a log that is half done is refused by every replica as before.
 */
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { Head } from '../state/apply.ts';
import { firstHead } from '../state/apply.ts';
import { checkpointsBeyond, segmentsBeforeGap, segmentsBeyond } from './beyond.ts';
import { readHeader } from '../checkpoint/checkpoint-format.ts';
import { CheckpointFault } from '../checkpoint/checkpoint-frames.ts';
import { loadCheckpoint } from '../checkpoint/checkpoint-load.ts';
import { digestText } from '../state/digest.ts';
import { ForkedLog } from '../fault.ts';
import { Follower } from '../log/follower.ts';
import { openIndex } from '../local-index/index-store.ts';
import type { KvHome } from '../local-index/kv.ts';
import { SegmentLog } from '../log/log.ts';
import { checkRemembered } from '../place/emptied.ts';
import { refuseForeign } from '../place/foreign.ts';
import type { Marker } from '../place/marker.ts';
import { openMarker, readMarker } from '../place/marker.ts';
import { dataPrefix, lostPrefix, markerKey, segmentKey, segmentNumber } from '../paths.ts';
import type { AnchorPoint } from './anchor.ts';
import { checkWhole, headerOf, RolledBack } from './rollback.ts';
import { sealSegment, unknownOf } from '../log/segment.ts';
import { State } from '../state/state.ts';

export interface AcceptanceParts {
  readonly store: ObjectStore;
  /** As in CatalogOptions. */
  readonly encrypted: boolean;
  readonly domain: string;
  /** What a replica remembers of the log, if that is known. */
  readonly seen: AnchorPoint | undefined;
  /** A store that has nothing of the domain is taken for one that was emptied. Default: false. */
  readonly mayBeEmpty?: boolean;
  /** Empty, and of no use afterwards. */
  readonly scratch: KvHome;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** What is there, and what accepting it would do. */
export interface Survey {
  /** Where the log ends, as far as it can be read on without a gap. */
  readonly head: Head;
  /** Keys of segments and checkpoints beyond the end, which would be put aside. */
  readonly beyond: readonly string[];
  /** Keys of segments in front of a gap behind which the log goes on from a checkpoint; they would be put aside, too. */
  readonly bridged: readonly string[];
  readonly hasMarker: boolean;
  /** What of the log, or of what is known of it, is missing; undefined where nothing is seen to be. */
  readonly fault: string | undefined;
  /** The number of the first change after it; undefined where the log has jumped already. */
  readonly firstRV: number | undefined;
}

/** How far numbers jump: more than can have been given out since anybody last looked. */
export const jump = 1_000_000_000;

/** Changes nothing. Rejects with a CatalogFault where the log cannot be read for another reason than that a part of it is missing. */
export async function surveyRollback(parts: AcceptanceParts, signal: AbortSignal): Promise<Survey> {
  const { store, domain, clock, ids, seen, encrypted } = parts;
  const segments = new SegmentLog(store, domain, clock, signal);
  const marker = await readMarker(store, signal);
  if (marker === undefined) await refuseForeign(store, signal);
  else await openMarker(store, ids, signal, encrypted);
  await checkDomain(parts, signal);
  const head = await endOf(parts, segments, signal);
  const strays = await segmentsBeyond(store, domain, head.n, signal);
  const checkpoints = await checkpointsBeyond(store, domain, head.n, signal);
  const beyond = [...strays, ...checkpoints];
  const lost = [await lastNumberIn(segments, strays.at(-1)), await lastNumberOf(store, checkpoints.at(-1), signal)];
  const highest = Math.max(head.rv, seen?.rv ?? 0, ...lost);
  const hasJumped = head.n > 0 && head.jump === head.rv + 1 && highest === head.rv;
  const bridged = await segmentsBeforeGap(store, domain, head.n, signal);
  const fault = await faultOf(segments, { marker, head, beyond, bridged, seen });
  return { head, beyond, bridged, hasMarker: marker !== undefined, fault, firstRV: hasJumped ? undefined : highest + jump };
}

/**
 * Does what the survey says. The jump comes before all but what lies in its slot, because what lies beyond shows how far numbers
 * have gone; and the marker comes last, because without it every replica refuses the store. The newest segments go first: they are
 * what replicas remember, so that none takes what is half done for whole. Rejects where somebody writes meanwhile.
 */
export async function acceptRollback(parts: AcceptanceParts, survey: Survey, signal: AbortSignal): Promise<void> {
  const { store, domain, clock, ids, encrypted } = parts;
  const { head, beyond, bridged, firstRV } = survey;
  const strays = beyond.filter(isSegment);
  await checkStill(parts, head.n, strays, signal);
  const folder = lostPrefix(domain, clock.now());
  const putAside = (key: string) => move(store, key, `${folder}${key.slice(`${dataPrefix}${domain}/`.length)}`, signal);
  const slot = firstRV === undefined ? undefined : segmentKey(domain, head.n + 1);
  if (slot !== undefined && strays.includes(slot)) await putAside(slot);
  if (firstRV !== undefined) await appendJump(parts, head, firstRV, signal);
  for (const key of strays.toReversed()) if (key !== slot) await putAside(key);
  // As long as a checkpoint is ahead of the log, every replica refuses it.
  for (const key of beyond.toReversed()) if (!isSegment(key)) await putAside(key);
  for (const key of bridged) await putAside(key);
  const last = segmentNumber(strays.at(-1) ?? '');
  if (last !== undefined) await checkStill(parts, last, [], signal);
  await openMarker(store, ids, signal, encrypted);
}

function isSegment(key: string): boolean {
  return segmentNumber(key) !== undefined;
}

/** Rejects where the segments behind number `n` are not the expected ones any more. */
async function checkStill({ store, domain }: AcceptanceParts, n: number, expected: readonly string[], signal: AbortSignal): Promise<void> {
  const found = await segmentsBeyond(store, domain, n, signal);
  const changed = found.find((key, i) => key !== expected[i]) ?? expected[found.length];
  if (changed !== undefined) throw new Error(`${changed}: the log changes meanwhile, so a replica runs: stop all, then run this again`);
}

/** A name that is not in the store is a slip of the pen, and so is a place with nothing in it, unless the store was emptied. */
async function checkDomain({ store, domain, seen, mayBeEmpty }: AcceptanceParts, signal: AbortSignal): Promise<void> {
  if (seen !== undefined || mayBeEmpty === true) return;
  for await (const _ of store.list(`${dataPrefix}${domain}/`, signal)) return;
  const remedy = 'check the URL, and name the domain that the refusal has named; if the store was emptied, give --data, or --empty';
  for await (const { key } of store.list(dataPrefix, signal))
    throw new Error(`${store.name} has nothing of the domain ${domain}, but ${key}: ${remedy}`);
  throw new Error(`${store.name} has nothing of the domain ${domain}, nor of another: ${remedy}`);
}

interface Found extends Pick<Survey, 'head' | 'beyond' | 'bridged'>, Pick<AcceptanceParts, 'seen'> {
  readonly marker: Marker | undefined;
}

/** What a replica would refuse, in the order in which it shows. */
async function faultOf(segments: SegmentLog, { marker, head, beyond, bridged, seen }: Found): Promise<string | undefined> {
  if (marker === undefined) return `${markerKey} is missing`;
  if (head.n === 0) return 'the log has no beginning';
  if (beyond.length > 0) return `${beyond[0]} lies beyond the end of the log`;
  if (bridged.length > 0) return `a segment behind ${bridged.at(-1)} is missing`;
  try {
    await checkWhole(segments, head);
    await checkRemembered(segments, marker, seen);
    return undefined;
  } catch (error) {
    if (error instanceof RolledBack) return error.message;
    throw error;
  }
}

async function endOf(parts: AcceptanceParts, segments: SegmentLog, signal: AbortSignal): Promise<Head> {
  const { store, domain, scratch, clock, log } = parts;
  const index = await openIndex(scratch, { store: store.name, domain });
  try {
    const loaded = await loadCheckpoint({ store, domain, index, log }, signal);
    const state = new State({ index, head: loaded ?? firstHead, domain, clock, window: { changes: 0, milliseconds: 0 } });
    await new Follower({ log, clock, segments, state, interval: 0 }).start().catch((error: unknown) => {
      if (!(error instanceof RolledBack) && !(error instanceof ForkedLog)) throw error;
    });
    return state.head;
  } finally {
    await index.close();
  }
}

/** The number of the last change in a segment; 0 where it cannot be read, because then its number is no help. */
async function lastNumberIn(segments: SegmentLog, key: string | undefined): Promise<number> {
  const n = (key && segmentNumber(key)) || 0;
  const header = n === 0 ? undefined : await headerOf(segments, n);
  return header === undefined ? 0 : header.firstRV + header.count - 1;
}

/** The number at which a checkpoint stands; 0 likewise. */
async function lastNumberOf(store: ObjectStore, key: string | undefined, signal: AbortSignal): Promise<number> {
  if (key === undefined) return 0;
  try {
    const { body } = await store.stream(key, signal);
    return (await readHeader(body)).rv;
  } catch (error) {
    if (error instanceof CheckpointFault) return 0;
    throw error;
  }
}

async function move(store: ObjectStore, key: string, aside: string, signal: AbortSignal): Promise<void> {
  const { body } = await store.stream(key, signal);
  await store.upload(aside, body, signal);
  await store.delete(key, signal);
}

async function appendJump(parts: AcceptanceParts, head: Head, firstRV: number, signal: AbortSignal): Promise<void> {
  const { store, domain, clock, ids } = parts;
  const unknown = unknownOf(head.features.write);
  if (unknown.length > 0) throw new Error(`the log may only be written by versions of Kylon that know: ${unknown.join(', ')}`);
  const draft = {
    domain,
    n: head.n + 1,
    prev: head.hash,
    firstRV,
    attempt: ids.hex(16),
    writer: { replica: 'accept-rollback', boot: ids.hex(8) },
    time: new Date(clock.now()).toISOString(),
    features: head.features,
    digest: digestText(head.digest),
  };
  const { bytes } = await sealSegment(draft, []);
  const segments = new SegmentLog(store, domain, clock, signal);
  const outcome = await segments.append({ n: draft.n, bytes, mayLand: false }, signal);
  if (outcome.is === 'committed') return;
  const why = 'cause' in outcome ? messageOf(outcome.cause) : 'somebody else has written there: stop all replicas';
  throw new Error(`${segments.key(draft.n)}: cannot be written, ${why}; then run this again`);
}
