/** `backup items`: what a backup holds. */
import { Argument, Command, Option } from 'commander';
import { humanSize } from '../../resources/cells.ts';
import type { Item } from '../../resources/services.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { itemText, resourceFromText } from '../content/item-names.ts';
import { pagesOf } from '../content/pages.ts';
import { printPages } from '../content/printing.ts';
import type { View } from '../content/printing.ts';
import { backups } from '../objects/kinds.ts';
import { pathOf } from '../objects/kind.ts';
import { outputOption } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import type { Shell } from '../shell.ts';

/** Which objects inside of a backup are meant. */
export interface ContentFlags extends ConnectionFlags {
  readonly resource?: string;
  readonly namespaceOf?: string;
  readonly name?: string;
  readonly selector?: string;
  readonly output?: Format;
}

const view: View<Item> = {
  columns: [
    { name: 'Resource', value: ({ resource, group }) => (group ? `${resource}.${group}` : resource) },
    { name: 'Namespace', value: ({ namespace }) => namespace },
    { name: 'Name', value: ({ name }) => name },
    { name: 'Size', value: ({ bytes }) => humanSize(bytes) },
    { name: 'Version', wide: true, value: ({ version }) => version },
    { name: 'Kind', wide: true, value: ({ kind }) => kind },
    { name: 'UID', wide: true, value: ({ uid }) => uid },
    { name: 'SHA256', wide: true, value: ({ sha256 }) => sha256 },
  ],
  name: itemText,
};

const pageSize = '5000';

export function withContentFlags(command: Command): Command {
  return command
    .option('--resource <resource>', 'only objects of this resource, as deployments.apps, deployment or deploy')
    .addOption(completing('namespaces', new Option('--namespace-of <name>', 'only objects that lay in this namespace, _ for none')))
    .option('--name <name>', 'only objects of this name')
    .option('-l, --selector <selector>', 'only objects whose labels match')
    .addOption(outputOption());
}

/** The group is asked for only where it stands there. */
export function contentQuery({ resource, namespaceOf, name, selector }: ContentFlags): Record<string, string | undefined> {
  const named = resource === undefined ? undefined : resourceFromText(resource);
  return { resource: named?.resource, group: named?.group || undefined, namespace: namespaceOf, name, labelSelector: selector };
}

export function itemsCommand(shell: Shell): Command {
  const command = withContentFlags(new Command('items'))
    .description('List the objects that a backup holds.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')));
  return withConnection(command).action((backup: string, flags: ContentFlags) =>
    connected(shell, flags, async (api) => {
      const query = { ...contentQuery(flags), limit: pageSize };
      const pages = pagesOf<Item>(api, pathOf(backups, api.namespace, backup, 'items'), query, shell.signal);
      const { count } = await printPages(shell, pages, view, flags.output ?? 'table');
      if (count === 0) shell.tell('No objects found');
    }),
  );
}
