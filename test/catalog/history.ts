/** Logs made by hand, and states that follow them: without the store, the race and the waiting of a catalog. */
import { createLog } from '../../src/base/log.ts';
import type { Head, Version } from '../../src/catalog/state/apply.ts';
import { firstHead } from '../../src/catalog/state/apply.ts';
import { readCheckpoint } from '../../src/catalog/checkpoint/checkpoint-format.ts';
import { digestText } from '../../src/catalog/state/digest.ts';
import type { IndexStore } from '../../src/catalog/local-index/index-store.ts';
import { openIndex } from '../../src/catalog/local-index/index-store.ts';
import type { Block } from '../../src/catalog/local-index/block.ts';
import { entryOf } from '../../src/catalog/local-index/index-keys.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { segmentKey } from '../../src/catalog/paths.ts';
import type { LogRecord } from '../../src/catalog/log/record.ts';
import { sealSegment } from '../../src/catalog/log/segment.ts';
import { State } from '../../src/catalog/state/state.ts';
import type { ObjectKey } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { ManualClock } from '../manual-clock.ts';

export const domain = '7e9f1d0c-0000-4000-8000-000000000002';
const identity = { store: 's', domain };
const names = ['a', 'b', 'ü', '𝒳', '\ufffd'];
const window = { changes: 5, milliseconds: 0 };

/** What one segment does: sets an object (`value`), deletes it, sets it many times, or leaves numbers out after a roll-back. */
export type Step =
  | { readonly kind: 'changes'; readonly of: readonly { readonly name: number; readonly value: number | undefined }[] }
  | { readonly kind: 'burst'; readonly count: number }
  | { readonly kind: 'jump'; readonly by: number };

/** A log in a store, and a state that has applied all of it. */
export class History {
  readonly clock: ManualClock;
  readonly store: ObjectStore;
  readonly state: State;
  readonly index: IndexStore;

  constructor(index: IndexStore, store = memoryStore(), head = firstHead, clock = new ManualClock()) {
    this.clock = clock;
    this.store = store;
    this.index = index;
    this.state = new State({ index, head, domain, clock, window });
  }

  async add(step: Step): Promise<void> {
    await this.clock.pass(1000);
    const { head } = this.state;
    const records = step.kind === 'jump' ? [] : this.#recordsOf(step);
    const segment = await sealSegment(
      {
        domain,
        n: head.n + 1,
        prev: head.hash,
        firstRV: head.rv + (step.kind === 'jump' ? step.by : 1),
        attempt: '0'.repeat(32),
        writer: { replica: 'r', boot: 'b' },
        time: new Date(this.clock.now()).toISOString(),
        features: head.features,
        digest: digestText(head.digest),
      },
      records,
    );
    await this.store.putIfAbsent(segmentKey(domain, segment.header.n), segment.bytes, AbortSignal.any([]));
    await this.state.advanceWithOwn(segment, '');
  }

  /** Applies what others have added. */
  async follow(): Promise<void> {
    for (;;) {
      const n = this.state.head.n + 1;
      const key = segmentKey(domain, n);
      if ((await this.store.size(key, AbortSignal.any([]))) === undefined) return;
      const read = () => this.store.read(key, AbortSignal.any([]));
      await this.state.advance(n, key, await read(), read);
    }
  }

  /** The records, each following on the one before. Deleting what is not there does nothing; nothing at all makes an object. */
  #recordsOf(step: Exclude<Step, { kind: 'jump' }>): LogRecord[] {
    const wanted = step.kind === 'changes' ? step.of : Array.from({ length: step.count }, (_, value) => ({ name: 0, value }));
    const seen = new Map<string, Version | undefined>();
    const records: LogRecord[] = [];
    for (const { name, value } of wanted) {
      const key: ObjectKey = { resource: 'things', namespace: name % 2 === 0 ? '' : 'ns', name: names[name % names.length]! };
      const before = seen.has(key.name) ? seen.get(key.name) : this.state.get(key);
      if (value === undefined && before === undefined) continue;
      const op = value === undefined ? 'delete' : before === undefined ? 'create' : 'update';
      const json = value === undefined ? '' : `{"value":${value},"text":"${'é'.repeat(value % 7)}"}`;
      records.push({ op, key, prev: before?.rv ?? 0, json });
      seen.set(key.name, value === undefined ? undefined : { rv: this.state.head.rv + records.length, json });
    }
    return records.length > 0 ? records : this.#recordsOf({ kind: 'changes', of: [{ name: 0, value: 1 }] });
  }
}

/** All of an index. */
export async function dumpOf(index: IndexStore): Promise<{ readonly head: Head; readonly entries: ReadonlyMap<string, string> }> {
  const view = index.view();
  const entries = new Map<string, string>();
  for await (const page of view.entries()) for (const [key, value] of page) entries.set(key, value);
  await view.close();
  return { head: view.head, entries };
}

export const newIndex = (folder: string) => openIndex(indexHome(folder), identity);
export const silent = createLog('silent');

/** All bytes of a stream. */
export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What reading it finds, and what is wrong with it. */
export async function read(bytes: Uint8Array, pieceBytes = 100): Promise<{ fault?: string; entries: (readonly [string, string])[] }> {
  const entries: (readonly [string, string])[] = [];
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const take = async (_: Block, lines: Buffer) => void entries.push(...lines.toString().trimEnd().split('\n').map(entryOf));
  const fault = await readCheckpoint(pieces(), { begin: async () => {}, take }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return fault === undefined ? { entries } : { fault, entries };
}
