/** The image of Kylon that manifests/README.md describes: this repository in /app with the packages that it runs with; loaded into the node of the cluster. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repository } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { addLibraries, imageLoader } from './image-parts.ts';

/** Why it cannot be made; undefined where it can. */
export const kylonImageFault = (): string | undefined => (existsSync(imageLoader) ? undefined : 'needs ../shared/cluster/image');

export function loadKylonImage(name: string): void {
  const root = temporaryFolder();
  const app = join(root, 'app');
  mkdirSync(join(root, 'tmp'));
  for (const part of ['package.json', 'src', 'openapi', 'manifests']) cpSync(join(repository, part), join(app, part), { recursive: true });
  for (const folder of packages()) cpSync(join(repository, folder), join(app, folder), { recursive: true, verbatimSymlinks: true });
  cpSync(join(repository, 'node_modules/.bin/node'), join(app, 'node_modules/.bin/node'), { verbatimSymlinks: true });
  addLibraries(root, [join(repository, 'node_modules/.bin/node')]);
  execFileSync(imageLoader, [name, root], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Their folders, as `npm ci --omit=dev` makes them. */
function packages(): string[] {
  const args = ['ls', '--omit=dev', '--all', '--parseable'];
  const found = execFileSync('npm', args, { cwd: repository, encoding: 'utf8' }).trim().split('\n');
  const all = found.map((folder) => relative(repository, folder)).filter((folder) => folder !== '');
  return all.filter((folder) => !all.some((other) => folder.startsWith(`${other}/`)));
}
