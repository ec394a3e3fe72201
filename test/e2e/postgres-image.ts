/** An image of PostgreSQL, made of the Debian package of this machine and loaded into the node of the cluster. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { busybox, imageLoader } from './mover-image.ts';

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
  for (const library of librariesOf([...programs, join(packages, version, 'lib/amcheck.so')])) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
  cpSync(busybox, join(root, 'bin/busybox'));
  for (const tool of ['sh', 'cat', 'sleep']) symlinkSync('busybox', join(root, 'bin', tool));
  for (const program of programs) symlinkSync(program, join(root, 'bin', program.slice(program.lastIndexOf('/') + 1)));
  writeFileSync(join(root, 'etc/passwd'), `postgres:x:${postgresUser}:${postgresUser}::/tmp:/bin/sh\n`);
  writeFileSync(join(root, 'etc/group'), `postgres:x:${postgresUser}:\n`);
  execFileSync(imageLoader, [postgresImage, root], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Where the loader looks for them, as ldd tells it. */
function librariesOf(programs: readonly string[]): string[] {
  const lines = execFileSync('ldd', programs, { encoding: 'utf8' }).split('\n');
  return [...new Set(lines.flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []))];
}
