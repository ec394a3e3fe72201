/** A store with a log of very many Backups, sealed straight into segments: as a busy cluster leaves it after some months. */
import { randomIds } from '../src/base/ids.ts';
import type { Head } from '../src/catalog/state/apply.ts';
import { firstHead } from '../src/catalog/state/apply.ts';
import { digestOf, digestText, plus } from '../src/catalog/state/digest.ts';
import { openMarker } from '../src/catalog/place/marker.ts';
import { segmentKey } from '../src/catalog/paths.ts';
import type { LogRecord } from '../src/catalog/log/record.ts';
import { sealSegment } from '../src/catalog/log/segment.ts';
import { encode } from '../src/machinery/encode.ts';
import type { KubeObject } from '../src/machinery/object.ts';
import type { ObjectStore } from '../src/objectstore/objectstore.ts';
import { finishedBackup } from './backups.ts';

export const domain = 'million';
export const resource = 'backups.backup.kylon.io';
export const namespaces = 200;

const changesPerSegment = 500;
const writer = { replica: 'bench', boot: '0'.repeat(16) };
const signal = AbortSignal.any([]);

export const keyOf = (n: number) => ({
  resource,
  namespace: `team-${String(n % namespaces).padStart(3, '0')}`,
  name: `backup-${String(n).padStart(7, '0')}`,
});

/** About 0.9 KB as JSON. */
function backup(n: number): string {
  const found = finishedBackup(n) as KubeObject & { spec: object; status: { conditions: readonly unknown[] } };
  const { cluster: _, createdBy: __, expiration: ___, ...status } = found.status as Record<string, unknown>;
  const { namespace, name } = keyOf(n);
  const conditions = found.status.conditions.slice(0, 1);
  return encode({ ...found, metadata: { ...found.metadata, namespace, name }, status: { ...status, conditions } });
}

/** Fills the log of an empty store. Answers the mean length of an object in bytes. */
export async function fillStore(store: ObjectStore, count: number): Promise<number> {
  await openMarker(store, randomIds, signal);
  let head = firstHead;
  let bytes = 0;
  for (let first = 0; first < count; first += changesPerSegment) {
    const size = Math.min(changesPerSegment, count - first);
    const records = Array.from({ length: size }, (_, i): LogRecord => ({
      op: 'create',
      key: keyOf(first + i),
      prev: 0,
      json: backup(first + i),
    }));
    for (const { json } of records) bytes += json.length;
    head = await append(store, head, records);
  }
  return bytes / count;
}

async function append(store: ObjectStore, head: Head, records: readonly LogRecord[]): Promise<Head> {
  const draft = {
    domain,
    n: head.n + 1,
    prev: head.hash,
    firstRV: head.rv + 1,
    attempt: randomIds.hex(16),
    writer,
    // So long ago that nobody keeps it for watches.
    time: new Date(Date.now() - 24 * 3600_000).toISOString(),
    features: head.features,
    digest: digestText(head.digest),
  };
  const { bytes, hash } = await sealSegment(draft, records);
  await store.putIfAbsent(segmentKey(domain, draft.n), bytes, signal);
  const digest = records.reduce((sum, { key, json }, i) => plus(sum, digestOf(key, draft.firstRV + i, json)), head.digest);
  return { ...head, n: draft.n, hash, rv: head.rv + records.length, digest };
}
