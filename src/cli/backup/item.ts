/** `backup item`: one manifest as it was saved. */
import { Argument, Command } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import type { Item } from '../../resources/services.ts';
import type { Api } from '../api/api.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { itemFromText, itemText } from '../content/item-names.ts';
import type { ItemName } from '../content/item-names.ts';
import { pagesOf } from '../content/pages.ts';
import { UsageError } from '../exits.ts';
import { backups } from '../objects/kinds.ts';
import { pathOf } from '../objects/kind.ts';
import { documentOption, structuredText } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly output?: Exclude<Format, 'table' | 'wide' | 'name'>;
}

export function itemCommand(shell: Shell): Command {
  const command = new Command('item')
    .description('Print one manifest as it was saved.')
    .addArgument(completing('backups', new Argument('<backup>', 'name of the backup')))
    .addArgument(new Argument('<item>', 'RESOURCE/NAMESPACE/NAME, or RESOURCE/NAME where that is one object: deployments.apps/shop/web'))
    .addOption(documentOption());
  return withConnection(command).action((backup: string, text: string, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const { group, resource, namespace, name } = await find(shell, api, backup, itemFromText(text));
      const path = pathOf(backups, api.namespace, backup, 'items', group || 'core', resource, namespace || '_', name);
      await shell.write(structuredText(flags.output ?? 'yaml', await api.json<KubeObject>({ path }, shell.signal)));
    }),
  );
}

/** The one object that is meant: its group and its namespace may be left out. Where there is none, what was typed: the server says no to it. */
async function find(shell: Shell, api: Api, backup: string, wanted: ItemName): Promise<ItemName> {
  const meant = await matches(shell, api, backup, wanted);
  const [only, another] = meant;
  if (!only || !another) return only ?? wanted;
  throw new UsageError(`"${itemText(wanted)}" may be each of ${meant.slice(0, mostNamed).map(itemText).join(', ')}`);
}

const mostNamed = 10;

async function matches({ signal }: Shell, api: Api, backup: string, { group, ...wanted }: ItemName): Promise<Item[]> {
  const path = pathOf(backups, api.namespace, backup, 'items');
  const found: Item[] = [];
  for await (const { items } of pagesOf<Item>(api, path, { ...wanted, group: group || undefined }, signal)) found.push(...(items ?? []));
  return found;
}
