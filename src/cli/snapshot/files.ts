/** `snapshot files`: what lies in a folder of a snapshot. */
import { Argument, Command } from 'commander';
import { humanSize } from '../../resources/cells.ts';
import type { SnapshotFile } from '../../resources/services.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { pagesOf } from '../content/pages.ts';
import { printPages } from '../content/printing.ts';
import type { View } from '../content/printing.ts';
import { snapshots } from '../objects/kinds.ts';
import { pathOf } from '../objects/kind.ts';
import { escaped } from '../output/escaped.ts';
import { outputOption } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly output?: Format;
}

const view: View<SnapshotFile> = {
  columns: [
    { name: 'Type', value: ({ type }) => type },
    { name: 'Mode', value: ({ mode }) => mode },
    { name: 'Owner', value: ({ user, uid }) => user ?? uid },
    { name: 'Group', value: ({ group, gid }) => group ?? gid },
    { name: 'Size', value: ({ type, size }) => (type === 'File' ? humanSize(size) : '') },
    { name: 'Modified', value: ({ modificationTime }) => modificationTime },
    { name: 'Name', value: ({ name, linkTarget }) => (linkTarget === undefined ? name : `${name} -> ${linkTarget}`) },
    { name: 'Path', wide: true, value: ({ path }) => path },
  ],
  name: ({ path }) => escaped(path),
};

const pageSize = '5000';

export function filesCommand(shell: Shell): Command {
  const command = new Command('files')
    .description('List what a folder of a snapshot holds.')
    .addArgument(completing('snapshots', new Argument('<snapshot>', 'name of the snapshot')))
    .addArgument(new Argument('[path]', 'folder or file, from the root of the volume (default: the root)'))
    .addOption(outputOption());
  return withConnection(command).action((snapshot: string, path: string | undefined, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const pages = pagesOf<SnapshotFile>(
        api,
        pathOf(snapshots, api.namespace, snapshot, 'files'),
        { path, limit: pageSize },
        shell.signal,
      );
      const { count } = await printPages(shell, pages, view, flags.output ?? 'table');
      if (count === 0) shell.tell('No files found');
    }),
  );
}
