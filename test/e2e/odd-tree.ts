/** A folder with what backups of files get wrong, and what is in a folder, to be compared. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pattern } from '../conformance/objectstore/subject.ts';

/** Bytes of `sparse`, nearly all of which are a hole. */
export const sparseBytes = 64 * 1024 * 1024;

/** `bytes` are those of the largest file, which do not compress. */
export function makeOddTree(folder: string, bytes: number): void {
  mkdirSync(join(folder, 'with spaces/and\nnewline/ünïcödé 🎈'), { recursive: true });
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'with spaces/and\nnewline/ünïcödé 🎈/-rf "$(quoted)" \\ \t*'), 'odd');
  writeFileSync(join(folder, '.hidden'), '');
  writeFileSync(join(folder, 'large'), pattern(bytes));
  writeFileSync(join(folder, 'one'), 'linked');
  linkSync(join(folder, 'one'), join(folder, 'empty/two'));
  symlinkSync('../nowhere', join(folder, 'dangling'));
  writeFileSync(join(folder, 'sparse'), 'begin');
  truncateSync(join(folder, 'sparse'), sparseBytes);
  writeFileSync(join(folder, 'private'), 'private');
  chmodSync(join(folder, 'private'), 0o4600);
  utimesSync(join(folder, 'private'), 1_000_000_000, 1_000_000_000.123);
}

export type Tree = Record<string, { readonly mtimeMs?: number } & Record<string, unknown>>;

/** By path: what it is, its mode, time and content, and how many names it has. */
export function treeOf(folder: string): Tree {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(names.map((name) => [name, entryOf(join(folder, name))]));
}

function entryOf(path: string) {
  const stat = lstatSync(path);
  const common = { mode: stat.mode, uid: stat.uid, gid: stat.gid };
  if (stat.isSymbolicLink()) return { ...common, target: readlinkSync(path) };
  const dated = { ...common, mtimeMs: stat.mtimeMs };
  if (stat.isDirectory()) return dated;
  return { ...dated, names: stat.nlink, size: stat.size, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
}
