/** The plugin, installed as its documents say. */
import { symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repository } from './cluster.ts';
import { temporaryFolder } from './folder.ts';

/** A PATH on which kubectl finds it. */
export function pathWithPlugin(): string {
  const folder = temporaryFolder();
  for (const name of ['kylon', 'kubectl-kylon', 'kubectl_complete-kylon'])
    symlinkSync(join(repository, 'src/cli/launch'), join(folder, name));
  return [folder, process.env['PATH']].join(delimiter);
}
