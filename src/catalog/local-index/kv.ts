/**
 * What the index asks of a place for its entries: keys in the order of their UTF-8 bytes, atomic batches, and snapshots. A folder
 * is one (index-home.ts). Nothing in it needs to last: what is lost there is in the log.
 */
import type { Block } from './block.ts';

/** A value is never empty. */
export type KvOp = { readonly type: 'put'; readonly key: string; readonly value: string } | { readonly type: 'del'; readonly key: string };

/** Keys from `gte` up to `lt`, which is not one of them. */
export interface Bounds {
  readonly gte: string;
  readonly lt: string;
}

export interface KvReader {
  /** Throws when it cannot be read, KvDamaged where it is not what was put. */
  get(key: string): string | undefined;
  /** Entries in order, in pages, at most `limit`. */
  entries(bounds: Bounds, limit?: number): AsyncGenerator<readonly [string, string][]>;
  /** As entries. */
  keys(bounds: Bounds): AsyncGenerator<readonly string[]>;
}

/** The entries as they were at one moment. */
export interface KvSnapshot extends KvReader {
  close(): Promise<void>;
}

/** Entries on their way into a Kv that is empty. Nobody sees them before the end. */
export interface KvFilling {
  /** `block` follows on the one before it; `lines` are what it holds. */
  add(block: Block, lines: Buffer): Promise<void>;
  /** They are there, beneath whatever batches put and delete, and survive a loss of power. */
  end(): Promise<void>;
  /** Leaves nothing of them, before the end or behind it. */
  abandon(): Promise<void>;
}

export interface Kv extends KvReader {
  /** Resolves once a read has found something else than what was put. That read has failed; from then on nothing here is to be believed. */
  readonly damage: Promise<KvDamaged>;
  /** All or nothing, for readers at once; with `durable` it survives a loss of power, and so do all batches before. */
  batch(ops: readonly KvOp[], options?: { readonly durable?: boolean }): Promise<void>;
  snapshot(): KvSnapshot;
  /** Only while it is empty. */
  fill(): Promise<KvFilling>;
  close(): Promise<void>;
}

/** Where a Kv is kept between two runs of the program. */
export interface KvHome {
  /** For messages. */
  readonly name: string;
  /** One process at a time may have it open. Rejects with KvDamaged where only destroying it helps. */
  open(): Promise<Kv>;
  /** Forgets all of it. It must be closed. */
  destroy(): Promise<void>;
}

export class KvDamaged extends Error {
  override readonly name = 'KvDamaged';
}
