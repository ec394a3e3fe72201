/** Of what images for the node of the cluster are made: programs of this machine, with what they are linked to. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { repository } from './cluster.ts';

/** Takes a name and a folder, and what is to be run if nothing else is said. */
export const imageLoader = resolve(repository, '../shared/cluster/image');
/** The one that is linked to nothing. */
export const busybox = '/bin/busybox';

/** Into the folder of an image. */
export function addTools(root: string, tools: readonly string[]): void {
  mkdirSync(join(root, 'bin'), { recursive: true });
  cpSync(busybox, join(root, 'bin/busybox'));
  for (const tool of tools) symlinkSync('busybox', join(root, 'bin', tool));
}

/** A program, at the path that it has here. */
export function addProgram(root: string, program: string): void {
  copyHere(root, program);
  addLibraries(root, [program]);
}

export function addLibraries(root: string, programs: readonly string[]): void {
  for (const library of librariesOf(programs)) copyHere(root, library);
}

function copyHere(root: string, path: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  cpSync(realpathSync(path), join(root, path));
}

/** Where the loader looks for them, as ldd tells it. */
function librariesOf(programs: readonly string[]): string[] {
  const lines = execFileSync('ldd', programs, { encoding: 'utf8' }).split('\n');
  return [...new Set(lines.flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []))];
}
