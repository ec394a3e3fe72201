/** manifest.json: what the folder of a backup holds. Written last: a folder without it is garbage. */
import { ArchiveDamaged, FormatUnknown } from './archive.ts';

export const formatVersion = 1;

export interface Manifest {
  readonly formatVersion: number;
  /** Names of what a reader has to know in order to read the folder; none so far. */
  readonly features: readonly string[];
  readonly files: Readonly<Record<'archive.tar.gz' | 'items' | 'log', FileSum>>;
  readonly items: number;
  /** Of all manifests of objects. */
  readonly contentBytes: number;
  /** Items of each `plural.group`. */
  readonly resources: Readonly<Record<string, number>>;
}

export interface FileSum {
  readonly bytes: number;
  readonly sha256: string;
}

export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Throws ArchiveDamaged, or FormatUnknown, that begins with `what`. */
export function decodeManifest(bytes: Uint8Array, what: string): Manifest {
  const manifest = parse(bytes, what);
  if (!isCount(manifest.formatVersion)) throw new ArchiveDamaged(`${what}: it names no format version`);
  if (manifest.formatVersion !== formatVersion)
    throw new FormatUnknown(`${what}: format version ${manifest.formatVersion} is not one that this program reads (${formatVersion})`);
  if (!Array.isArray(manifest.features) || manifest.features.length > 0)
    throw new FormatUnknown(`${what}: it needs features that this program lacks: ${JSON.stringify(manifest.features)}`);
  if (!isWhole(manifest)) throw new ArchiveDamaged(`${what}: fields are missing or of a wrong type`);
  const { items, resources } = manifest;
  if (Object.values(resources).reduce((sum, count) => sum + count, 0) !== items)
    throw new ArchiveDamaged(`${what}: the counts of resources do not add up to ${items} items`);
  return manifest;
}

function parse(bytes: Uint8Array, what: string): Partial<Manifest> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw new ArchiveDamaged(`${what}: it is not JSON`, { cause: error });
  }
  throw new ArchiveDamaged(`${what}: it is not a JSON object`);
}

function isWhole(manifest: Partial<Manifest>): manifest is Manifest {
  const { files, items, contentBytes, resources } = manifest;
  const sums = [files?.['archive.tar.gz'], files?.items, files?.log];
  const counts = [items, contentBytes, ...Object.values(resources ?? { missing: -1 })];
  return sums.every((sum) => isCount(sum?.bytes) && /^[0-9a-f]{64}$/.test(sum?.sha256 ?? '')) && counts.every(isCount);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
