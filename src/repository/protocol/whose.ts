/** Whose a snapshot or a lock is: of the ticket by which it was first sent. Nobody makes it his own by sending it again, and locks are few. */
import type { Clock } from '../../base/clock.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { FileKind, Place } from '../paths.ts';
import { fileKey, kindFolder } from '../paths.ts';
import { forgetWriter, noteWriter, writerOf } from '../writers.ts';
import { Refused } from './exchange.ts';

/** A file, and the holder of the ticket by which it is asked for. */
export interface Held {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly place: Place;
  readonly kind: FileKind;
  readonly id: string;
  readonly holder: string;
}

/** Of a repository at once: several hundred movers have one each, and two for a moment, while they renew it. */
const mostLocks = 1000;
/** Milliseconds after which whoever has set a lock is dead: restic renews it every five minutes, and takes it for stale after thirty. */
const lockTime = 20 * 60_000;

/** Before a file is put whose bytes are proved. Rejects with Refused where it is somebody else's, or there is no room, and with a StoreError. */
export async function makeOwn(held: Held, signal: AbortSignal): Promise<void> {
  const { store, clock, place, kind, id, holder } = held;
  if (kind !== 'snapshots' && kind !== 'locks') return;
  const known = await writerOf(store, place, id, signal);
  if (known === undefined && kind === 'locks') await requireRoom(held, signal);
  const isThere = known === undefined && (await store.size(fileKey(place, kind, id), signal)) !== undefined;
  const writer = isThere ? undefined : (known ?? (await noteWriter(store, place, id, { holder, time: clock.now() }, signal)));
  if (writer?.holder !== holder) throw new Refused(403, 'a file of this name is there, and was written by another ticket');
}

/** Before a file is deleted. Rejects with Refused, and with a StoreError. */
export async function letGo({ store, clock, place, kind, id, holder }: Held, signal: AbortSignal): Promise<void> {
  if (kind !== 'locks') return;
  const writer = await writerOf(store, place, id, signal);
  if (writer === undefined) return;
  if (writer.holder !== holder && clock.now() - writer.time < lockTime) throw new Refused(403, 'the lock is that of another ticket');
  await forgetWriter(store, place, id, signal);
}

async function requireRoom({ store, place }: Held, signal: AbortSignal): Promise<void> {
  let locks = 0;
  for await (const _ of store.list(kindFolder(place, 'locks'), signal))
    if (++locks === mostLocks) throw new Refused(403, `there are ${mostLocks} locks already`);
}
