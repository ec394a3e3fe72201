/** An image of PostgreSQL, made of the Debian package of this machine and loaded into the node of the cluster. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { addLibraries, addTools, busybox, imageLoader } from './image-parts.ts';

const packages = '/usr/lib/postgresql';
/** Needs a library of its own that is larger than all the rest. */
const withoutCompiler = (file: string) => !/llvmjit|\/bitcode|\/pgxs/.test(file);

export const postgresImage = 'example.test/kylon-postgres:1';
/** Whom the image knows as postgres. */
export const postgresUser = 999;

/** Why it cannot be made; undefined where it can. */
export function postgresImageFault(): string | undefined {
  const all = [imageLoader, busybox, packages];
  return all.every((file) => existsSync(file))
    ? undefined
    : 'needs the Debian packages postgresql and busybox-static, and ../shared/cluster/image';
}

export function loadPostgresImage(): void {
  const [version = ''] = readdirSync(packages).toSorted((a, b) => Number(b) - Number(a));
  const root = temporaryFolder();
  for (const folder of ['bin', 'etc', 'tmp', 'data']) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const folder of [join(packages, version), join('/usr/share/postgresql', version)])
    cpSync(folder, join(root, folder), { recursive: true, dereference: true, filter: withoutCompiler });
  const programs = ['postgres', 'initdb', 'psql', 'pg_isready', 'pgbench'].map((name) => join(packages, version, 'bin', name));
  addLibraries(root, [...programs, join(packages, version, 'lib/amcheck.so')]);
  addTools(root, ['sh', 'cat', 'sleep']);
  for (const program of programs) symlinkSync(program, join(root, 'bin', program.slice(program.lastIndexOf('/') + 1)));
  writeFileSync(join(root, 'etc/passwd'), `postgres:x:${postgresUser}:${postgresUser}::/tmp:/bin/sh\n`);
  writeFileSync(join(root, 'etc/group'), `postgres:x:${postgresUser}:\n`);
  execFileSync(imageLoader, [postgresImage, root], { stdio: ['ignore', 'ignore', 'inherit'] });
}
