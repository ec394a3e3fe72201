/** Another backup as the side that a backup is compared with. */
import type { ApiResource, Cluster } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { Backup } from '../../resources/backup.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { parseKey } from '../archive/item-key.ts';
import type { ItemRecord } from '../archive/item-record.ts';
import { objectOf } from '../restore/saved-items.ts';
import type { ObjectSelection } from './selection.ts';
import { selectionOf } from './selection.ts';
import type { Entry, Page, Side } from './sides.ts';

export interface BackupSideParts {
  /** For the names that resources go by. */
  readonly own: Cluster;
  /** The backup that is compared. */
  readonly backup: Backup;
  /** The other one. */
  readonly reader: ArchiveReader;
}

export async function backupSide({ own, backup, reader }: BackupSideParts, signal: AbortSignal): Promise<Side> {
  const { resources } = await own.discover(signal);
  const known = new Map(resources.map((resource) => [qualified(resource), resource]));
  const held = [...reader.resources().keys()];
  const lost = await Promise.all(held.filter((key) => !known.has(key)).map((key) => unserved(reader, key, signal)));
  const selection = selectionOf(backup.spec, backup.metadata.namespace ?? '', [...resources, ...lost]);
  return {
    resources: held.filter((key) => selection.chosen.has(key)),
    pages: (key, { after }, signal) => pagesOf(selection, reader, key, after, signal),
  };
}

/** What the cluster does not serve any more goes by its plural and kind. */
async function unserved(reader: ArchiveReader, key: string, signal: AbortSignal): Promise<ApiResource> {
  const { group, resource } = parseKey(`${key}/`);
  const verbs = ['list', 'create'];
  for await (const [first] of reader.records(`${key}/`, '', signal)) {
    if (!first) continue;
    const { kind, version } = first;
    const namespaced = parseKey(first.key).namespace !== '';
    return { group, version, resource, kind, singular: kind.toLowerCase(), shortNames: [], namespaced, verbs };
  }
  return { group, version: '', resource, kind: '', singular: '', shortNames: [], namespaced: true, verbs };
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
