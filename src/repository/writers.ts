/**
 * Who has written which snapshot, and which lock: noted beside the repository before the file is there. Whoever reads the Secret of a mover can play
 * it, so that what a mover says of a snapshot counts only where its own ticket has written that; and nobody takes away the lock of another who is alive.
 */
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { readIfThere } from '../objectstore/read-if-there.ts';
import type { Place } from './paths.ts';
import { writerKey } from './paths.ts';

export interface Writer {
  /** As of its ticket. */
  readonly holder: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** The first one stays: resolves to that. Rejects with a StoreError. */
export async function noteWriter(store: ObjectStore, place: Place, id: string, writer: Writer, signal: AbortSignal): Promise<Writer> {
  const outcome = await store.putIfAbsent(writerKey(place, id), Buffer.from(`${writer.time} ${writer.holder}\n`), signal);
  return outcome === 'created' ? writer : ((await writerOf(store, place, id, signal)) ?? writer);
}

/** Undefined where nobody is noted. Rejects with a StoreError. */
export async function writerOf(store: ObjectStore, place: Place, id: string, signal: AbortSignal): Promise<Writer | undefined> {
  const note = await readIfThere(store, writerKey(place, id), signal);
  if (!note) return undefined;
  const [time = '', holder = ''] = Buffer.from(note).toString().trimEnd().split(' ');
  return { holder, time: Number(time) };
}

/** Of a file that is deleted. Rejects with a StoreError. */
export const forgetWriter = (store: ObjectStore, place: Place, id: string, signal: AbortSignal): Promise<void> =>
  store.delete(writerKey(place, id), signal);
