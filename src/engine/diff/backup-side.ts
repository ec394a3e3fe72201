/** Another backup as the side that a backup is compared with. */
import type { Discovery } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Backup } from '../../resources/backup.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { heldResources } from '../archive/held-resources.ts';
import { parseKey } from '../archive/item-key.ts';
import type { ItemRecord } from '../archive/item-record.ts';
import { objectOf } from '../restore/saved-items.ts';
import type { ObjectSelection } from './selection.ts';
import { selectionOf } from './selection.ts';
import type { Entry, Page, Side } from './sides.ts';

export interface BackupSideParts {
  /** For the names that resources go by. */
  readonly discovery: Discovery;
  /** The backup that is compared. */
  readonly backup: Backup;
  /** The other one. */
  readonly reader: ArchiveReader;
}

export async function backupSide({ discovery, backup, reader }: BackupSideParts, signal: AbortSignal): Promise<Side> {
  const held = await heldResources(reader, discovery.resources, signal);
  const selection = selectionOf(backup.spec, backup.metadata.namespace ?? '', [...new Set([...discovery.resources, ...held])]);
  return {
    resources: held.map(qualified).filter((key) => selection.chosen.has(key)),
    pages: (key, { after }, signal) => pagesOf(selection, reader, key, after, signal),
  };
}

async function* pagesOf(
  selection: ObjectSelection,
  reader: ArchiveReader,
  key: string,
  after: string,
  signal: AbortSignal,
): AsyncIterable<Page> {
  const read = reader.manifests();
  for await (const records of reader.records(`${key}/`, after, signal))
    yield { namespace: '', page: '', next: '', entries: records.map((record) => entryOf(selection, record, read)) };
}

function entryOf(
  { chosen, takes }: ObjectSelection,
  record: ItemRecord,
  read: (record: ItemRecord, signal: AbortSignal) => Promise<Uint8Array>,
): Entry {
  const { key, version, kind, labels } = record;
  const item = parseKey(key);
  const found = chosen.get(qualified(item));
  return {
    key,
    version,
    kind,
    labels,
    isBytes: (sha256) => sha256 === record.sha256,
    isSelected: () => found !== undefined && takes(found.resource, { ...item, labels }),
    read: async (signal) => objectOf(await read(record, signal)),
  };
}
