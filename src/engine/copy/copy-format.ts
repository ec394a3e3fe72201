/** What lies in the folder of a copy, and how the names of files become keys. docs/format.md tells it in full. */
import { hash } from 'node:crypto';
import type { Uploaded } from '../../objectstore/objectstore.ts';
import type { TarType } from '../../base/tar.ts';

/** Of the tar file, in each member but the last. */
export const memberBytes = 1 << 20;
/** Members that one page tells of. */
export const pageMembers = 1024;
export const formatVersion = 1;

export const volumeFile = (folder: string) => `${folder}/volume.tar.gz`;
export const pageFile = (folder: string, page: number) => `${folder}/members/${String(page).padStart(10, '0')}`;
export const entriesFile = (folder: string) => `${folder}/entries`;
export const indexFile = (folder: string) => `${folder}/index`;
/** Only while the entries are put in order. */
export const sortedFolder = (folder: string) => `${folder}/sorted/`;
export const sortedFile = (folder: string, run: number) => `${sortedFolder(folder)}${String(run).padStart(10, '0')}`;

/** One file, folder or link of the volume. Texts that stand for bytes have a character for each of them. */
export interface EntryRecord {
  readonly key: string;
  readonly type: TarType;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** Of a symbolic link what it holds; of another name of a file, the key of that. */
  readonly target?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Offsets in the tar file: of the first header, and of the content. */
  readonly start: number;
  readonly at: number;
}

/** Lines of entries, in order of their keys, as one gzip member. */
export interface EntryBlock {
  readonly first: string;
  readonly last: string;
  readonly offset: number;
  readonly length: number;
  readonly sha256: string;
}

/** From which all else of a copy is found, and proved. */
export interface CopyIndex {
  readonly formatVersion: number;
  readonly volume: Uploaded;
  /** Length of the tar file. */
  readonly tarBytes: number;
  readonly memberBytes: number;
  /** SHA-256 of each page of members. */
  readonly pages: readonly string[];
  readonly entries: { readonly count: number; readonly blocks: readonly EntryBlock[] };
}

/** Where one gzip member lies, and the hash of it. */
export interface Member {
  readonly offset: number;
  readonly length: number;
  readonly sha256: Buffer;
}

export const memberRecordBytes = 44;

export function encodeMember({ offset, length, sha256 }: Member): Buffer {
  const bytes = Buffer.alloc(memberRecordBytes);
  bytes.writeBigUInt64BE(BigInt(offset), 0);
  bytes.writeUInt32BE(length, 8);
  sha256.copy(bytes, 12);
  return bytes;
}

export function decodeMember(page: Buffer, number: number): Member {
  const bytes = page.subarray(number * memberRecordBytes, (number + 1) * memberRecordBytes);
  return { offset: Number(bytes.readBigUInt64BE(0)), length: bytes.readUInt32BE(8), sha256: bytes.subarray(12) };
}

export const sha256Of = (bytes: Uint8Array) => hash('sha256', bytes);

/**
 * Each name of a path ends with NUL, which no name holds, and the last has another one in front: so what a folder holds comes
 * together, and behind it all that lies deeper. The root has the empty key.
 */
export function keyOf(names: readonly string[]): string {
  const name = names.at(-1);
  return name === undefined ? '' : `${belowKey(names.slice(0, -1))}\0${name}`;
}

/** In front of the keys of all that lies in a folder or deeper. */
export const belowKey = (names: readonly string[]) => names.map((name) => `${name}\0`).join('');

/** Of what lies in the folder itself. */
export const childrenKey = (names: readonly string[]) => `${belowKey(names)}\0`;

export function namesIn(key: string): string[] {
  if (key === '') return [];
  const last = key.lastIndexOf('\0');
  return [...key.slice(0, last).split('\0').slice(0, -1), key.slice(last + 1)];
}

export const nameIn = (key: string) => key.slice(key.lastIndexOf('\0') + 1);

/** The names of which a path in a tar file is made; undefined for one that leads out of the volume. */
export function namesOfPath(path: Uint8Array): string[] | undefined {
  const text = Buffer.from(path).toString('latin1');
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  return text.startsWith('/') || names.some((name) => name === '..' || name.includes('\0')) ? undefined : names;
}
