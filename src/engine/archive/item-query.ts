/** A page of items: what was asked for, and where the next page begins. */
import { badRequest } from '../../machinery/errors.ts';
import { matchesLabels, parseLabelSelector } from '../../machinery/reading/labels.ts';
import type { Item, ItemPage, ItemQuery } from '../../resources/services.ts';
import { parseKey, resourceOf } from './item-key.ts';
import { itemOf } from './item-record.ts';
import type { Block } from './items-format.ts';
import type { ItemsReader } from './items-reader.ts';

/** Rejects with ApiError 400 for a malformed selector or token. The last page may be empty. */
export async function queryItems(reader: ItemsReader, query: ItemQuery, signal: AbortSignal): Promise<ItemPage> {
  const limit = Math.max(1, query.limit);
  const after = query.continue && decodeToken(query.continue);
  const wants = itemFilter(query);
  const mayHold = (block: Block) => block.last > after && wantsBlock(query, block);
  const items: Item[] = [];
  for await (const records of reader.inOrder(mayHold, limit, signal)) {
    for (const record of records) {
      const item = record.key > after ? itemOf(record) : undefined;
      if (!item || !wants(item)) continue;
      items.push(item);
      if (items.length === limit) return { items, continue: encodeToken(record.key) };
    }
  }
  return { items, continue: '' };
}

function itemFilter(query: ItemQuery): (item: Item) => boolean {
  const selector = parseLabelSelector(query.labelSelector);
  const { group, resource, namespace, name } = query;
  const exact = Object.entries({ group, resource, namespace, name }).filter(([, value]) => value !== undefined);
  return (item) => exact.every(([field, value]) => item[field as 'name'] === value) && matchesLabels(selector, item.labels);
}

/** By the resource of the block and, where the question names one namespace of one resource, by the range of its keys. */
function wantsBlock({ group, resource, namespace }: ItemQuery, block: Block): boolean {
  const held = parseKey(`${block.resource}/`);
  if ((group !== undefined && group !== held.group) || (resource !== undefined && resource !== held.resource)) return false;
  if (namespace === undefined) return true;
  const start = namespace ? `${resourceOf(held)}/namespaces/${namespace}/` : `${resourceOf(held)}/cluster/`;
  return block.last >= start && (block.first <= start || block.first.startsWith(start));
}

const encodeToken = (key: string) => Buffer.from(key).toString('base64url');

function decodeToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString();
  if (encodeToken(key) !== token || !key.includes('/')) throw badRequest('continue key is not valid: it is not one that this server gave');
  return key;
}
