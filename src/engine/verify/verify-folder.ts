/** Reads all that a backup left in its folder, and holds it against the manifest, the items file and the catalog. Damage does not end it. */
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDamaged, StoreNotFound } from '../../objectstore/objectstore.ts';
import { ArchiveDamaged } from '../archive/archive.ts';
import { archiveFile, isLivePiece, itemsFile, logFile, manifestFile } from '../archive/files.ts';
import type { FileSum, Manifest } from '../archive/manifest.ts';
import { decodeManifest } from '../archive/manifest.ts';
import { storedFile } from '../archive/stored-file.ts';
import { passArchive } from './archive-pass.ts';
import type { Findings } from './faults.ts';
import { FilePass } from './file-pass.ts';
import { ItemsPass } from './items-pass.ts';

export interface Verifying {
  readonly store: ObjectStore;
  /** Without a slash at its end. */
  readonly folder: string;
  /** What the catalog says of it. */
  readonly recorded: { readonly archive?: FileSum | undefined; readonly items?: number | undefined };
  readonly findings: Findings;
  /** Called now and then, when the findings have grown. */
  readonly report: () => void;
}

const files = [archiveFile, itemsFile, logFile, manifestFile];
/** A process that died at the end of a run leaves pieces of a log that lies there whole. */
const belongs = (file: string) => files.includes(file) || isLivePiece(file);

/** Rejects where the store does not answer: then nothing is known. */
export async function verifyFolder(verifying: Verifying, signal: AbortSignal): Promise<void> {
  const { findings, recorded } = verifying;
  const sizes = await sizesIn(verifying, signal);
  for (const file of sizes.keys()) if (!belongs(file)) findings.fault(file, 'it does not belong to the backup');
  for (const file of files) if (!sizes.has(file)) findings.fault(file, 'it is missing');
  const manifest = sizes.has(manifestFile) ? await readManifest(verifying, signal) : undefined;
  if (manifest) compareWithCatalog(verifying, manifest);
  const sums = { [archiveFile]: recorded.archive, ...manifest?.files };
  await verifyFile(verifying, logFile, sizes, sums[logFile], signal);
  await verifyFile(verifying, itemsFile, sizes, sums[itemsFile], signal);
  await verifyContent(verifying, sizes, sums[archiveFile], manifest, signal);
}

type Sizes = ReadonlyMap<string, number>;

async function verifyFile(verifying: Verifying, file: string, sizes: Sizes, sum: FileSum | undefined, signal: AbortSignal): Promise<void> {
  const size = sizes.get(file);
  if (size !== undefined) await new FilePass({ ...verifying, file }, size).finish(sum, signal);
}

/** The archive against the items file, as far as either is there. */
async function verifyContent(
  verifying: Verifying,
  sizes: Sizes,
  sum: FileSum | undefined,
  manifest: Manifest | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { store, folder, findings, report } = verifying;
  const itemsSize = sizes.get(itemsFile);
  const items = new ItemsPass(storedFile(store, `${folder}/${itemsFile}`, itemsSize ?? 0), manifest?.items ?? 0, findings);
  items.isComplete = itemsSize !== undefined;
  const records = itemsSize === undefined ? none() : items.records(signal);
  const archiveSize = sizes.get(archiveFile);
  if (archiveSize === undefined) for await (const _ of records);
  else {
    const pass = new FilePass({ ...verifying, file: archiveFile }, archiveSize);
    await passArchive({ pass, records, isComplete: () => items.isComplete, findings, report }, signal);
    await pass.finish(sum, signal);
  }
  if (manifest) items.checkCounts(manifest);
}

async function* none(): AsyncGenerator<never> {}

async function sizesIn({ store, folder }: Verifying, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of store.list(`${folder}/`, signal)) sizes.set(key.slice(folder.length + 1), size);
  return sizes;
}

async function readManifest({ store, folder, findings }: Verifying, signal: AbortSignal): Promise<Manifest | undefined> {
  try {
    const bytes = await store.read(`${folder}/${manifestFile}`, signal);
    findings.bytes += bytes.length;
    return decodeManifest(bytes, manifestFile);
  } catch (error) {
    if (!(error instanceof ArchiveDamaged || error instanceof StoreDamaged || error instanceof StoreNotFound)) throw error;
    findings.fault(manifestFile, messageOf(error).replace(`${manifestFile}: `, ''));
    return undefined;
  }
}

/** Who can write in the store can make a folder that is whole in itself; the catalog has its own record. */
function compareWithCatalog({ findings, recorded: { archive, items } }: Verifying, manifest: Manifest): void {
  const told = manifest.files[archiveFile];
  if (archive && (archive.sha256 !== told.sha256 || archive.bytes !== told.bytes))
    findings.fault(
      manifestFile,
      `it names another ${archiveFile} (sha256 ${told.sha256}) than the status of the Backup (${archive.sha256})`,
    );
  if (items !== undefined && items !== manifest.items)
    findings.fault(manifestFile, `it counts ${manifest.items} items, the status of the Backup ${items}`);
}
