/** The key of an item: its place in the archive, and its order in the items file. */
import type { ItemKey } from '../../resources/services.ts';

/** `plural.group`, or `plural` in the core group. */
export function resourceOf({ group, resource }: Pick<ItemKey, 'group' | 'resource'>): string {
  return group ? `${resource}.${group}` : resource;
}

/** `PLURAL.GROUP/namespaces/NAMESPACE/NAME` or `PLURAL.GROUP/cluster/NAME`. Throws at parts that would not come out again. */
export function keyOf(item: ItemKey): string {
  const place = item.namespace ? `namespaces/${part(item, item.namespace)}` : 'cluster';
  return `${part(item, resourceOf(item))}/${place}/${part(item, item.name)}`;
}

export function parseKey(key: string): ItemKey {
  const [qualified = '', place, ...rest] = key.split('/');
  const dot = qualified.indexOf('.');
  const named = dot < 0 ? { group: '', resource: qualified } : { group: qualified.slice(dot + 1), resource: qualified.slice(0, dot) };
  const [first = '', second = ''] = rest;
  return place === 'namespaces' ? { ...named, namespace: first, name: second } : { ...named, namespace: '', name: first };
}

/** Keys are compared by UTF-16 code units, which for the names that Kubernetes allows is the order of their bytes. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Whether keyOf has a key for it, whatever names a client made up. */
export function hasKey(item: ItemKey): boolean {
  return [resourceOf(item), item.name, ...(item.namespace ? [item.namespace] : [])].every(isPart);
}

function part(item: ItemKey, text: string): string {
  if (!isPart(text)) throw new Error(`${JSON.stringify(text)} cannot be part of a path (${item.resource} ${JSON.stringify(item.name)})`);
  return text;
}

/** Kubernetes has no other names; an archive with them would write elsewhere when it is unpacked. */
function isPart(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0');
}
