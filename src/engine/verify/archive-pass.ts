/** Runs through an archive from its first byte to its last, member by member, and holds each against what the items file says of it. */
import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../../base/lifetime.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import { ArchiveDamaged } from '../archive/archive.ts';
import { expand } from '../archive/compression.ts';
import { archiveFile, itemsFile } from '../archive/files.ts';
import type { ItemRecord } from '../archive/item-record.ts';
import type { Findings } from './faults.ts';
import type { FilePass } from './file-pass.ts';
import { TarWalk } from './tar-walk.ts';

export interface ArchivePass {
  readonly pass: FilePass;
  /** In the order of the archive. */
  readonly records: AsyncIterable<readonly ItemRecord[]>;
  /** Whether every item of the archive is in a record: then what none names is a fault. */
  readonly isComplete: () => boolean;
  readonly findings: Findings;
  readonly report: () => void;
}

/** Bytes of a member and of what it expands to: a Kubernetes object has 3 MiB at most, so no archive comes near them. */
const largestMember = 64 << 20;
const pieceBytes = 256 << 10;

export async function passArchive(given: ArchivePass, signal: AbortSignal): Promise<void> {
  for await (const member of membersOf(given.records)) {
    await passMember(given, member, signal);
    given.report();
  }
  await passSurplus(given, given.pass.left, signal);
}

async function passMember(given: ArchivePass, records: readonly ItemRecord[], signal: AbortSignal): Promise<void> {
  const { pass, findings } = given;
  const [offset, length] = records[0]?.member ?? [0, 0];
  const lost = (file: string, why: string) => records.forEach(({ key }) => findings.fault(file, why, key));
  if (offset < pass.at || length > largestMember) return lost(itemsFile, `it cannot lie in ${length} bytes at ${offset} of ${archiveFile}`);
  if (length > pass.left - (offset - pass.at)) return lost(archiveFile, 'the file ends in front of it or within');
  await passSurplus(given, offset - pass.at, signal);
  const bytes = await pass.take(length, signal);
  if (!bytes) return lost(archiveFile, `its member at ${offset} cannot be read`);
  const raw = await expanded(bytes, offset);
  if (typeof raw === 'string') return lost(archiveFile, raw);
  checkMember(given, records, offset, raw);
}

/** A text says why not. */
async function expanded(bytes: Uint8Array, offset: number): Promise<Buffer | string> {
  try {
    return await expand(bytes, `member at ${offset}`, largestMember);
  } catch (error) {
    if (error instanceof ArchiveDamaged) return error.message;
    throw error;
  }
}

/** An item is read by its place, and a tar program finds it by its name: both ways must lead to the same bytes. */
function checkMember({ findings, isComplete }: ArchivePass, records: readonly ItemRecord[], offset: number, raw: Buffer): void {
  const entries = entriesOr(raw, (why) => findings.fault(archiveFile, `member at ${offset}: it is no part of a tar file: ${why}`));
  for (const { key, at, bytes, sha256 } of records) {
    const path = `resources/${key}.json`;
    const content = raw.subarray(at, at + bytes);
    if (content.length !== bytes || hash('sha256', content) !== sha256)
      findings.fault(archiveFile, 'its bytes are not those that were written (sha256)', key);
    else if (!entries.has(path)) findings.fault(archiveFile, `the tar file has no entry ${path}`, key);
    else if (entries.get(path) !== sha256) findings.fault(archiveFile, `the entry ${path} of the tar file has other bytes`, key);
    else findings.items += 1;
    entries.delete(path);
  }
  if (isComplete()) for (const path of entries.keys()) tellSurplus(findings, path);
}

const tellSurplus = (findings: Findings, path: string) =>
  findings.fault(archiveFile, `it holds ${JSON.stringify(path)}, which ${itemsFile} does not name`);

/** None, once `tell` knows why. */
function entriesOr(raw: Buffer, tell: (why: string) => void): Map<string, string> {
  try {
    return entriesIn(raw);
  } catch (error) {
    tell(messageOf(error));
    return new Map();
  }
}

/** Hash by path of each entry. Throws at what is no part of a tar file. */
function entriesIn(raw: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  const tar = new TarWalk((path, sha256) => found.set(path, sha256));
  tar.push(raw);
  tar.end();
  return found;
}

/** What no record names: the end of a tar file, or something that should not be there. */
async function passSurplus({ pass, findings, isComplete }: ArchivePass, length: number, signal: AbortSignal): Promise<void> {
  const start = pass.at;
  const end = start + length;
  if (length === 0) return;
  const tar = new TarWalk((path) => {
    if (isComplete()) tellSurplus(findings, path);
  });
  try {
    await pipeline(Readable.from(piecesUpTo(pass, end, signal)), createGunzip(), async (pieces: AsyncIterable<Uint8Array>) => {
      for await (const piece of pieces) tar.push(piece);
    });
    tar.end();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StoreError) throw error;
    findings.fault(archiveFile, `bytes ${start} to ${end} are no tar file compressed by gzip: ${messageOf(error)}`);
  }
  for await (const _ of piecesUpTo(pass, end, signal));
}

/** What cannot be read is left out. */
async function* piecesUpTo(pass: FilePass, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  while (pass.at < end) {
    const piece = await pass.take(Math.min(pieceBytes, end - pass.at), signal);
    if (piece) yield piece;
  }
}

/** Records that share a member; they come one after the other. */
async function* membersOf(batches: AsyncIterable<readonly ItemRecord[]>): AsyncGenerator<readonly ItemRecord[]> {
  let member: ItemRecord[] = [];
  for await (const records of batches)
    for (const record of records) {
      if (member[0] && member[0].member[0] !== record.member[0]) {
        yield member;
        member = [];
      }
      member.push(record);
    }
  if (member.length > 0) yield member;
}
