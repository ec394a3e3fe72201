/** What a spec names and the backup does not hold: a misspelt name must not look like a restore that is done. */
import { qualified } from '../../machinery/errors.ts';
import type { Item, ItemKey } from '../../resources/services.ts';
import { isGlob } from '../selection/glob.ts';
import { namespaces } from '../selection/known.ts';

interface Names {
  readonly items?: readonly Partial<ItemKey>[];
  readonly includedNamespaces?: readonly string[];
  readonly namespaceMapping?: Readonly<Record<string, string>>;
}

export class Missing {
  readonly #items: Map<string, ItemKey>;
  /** By name: the field that names it. */
  readonly #namespaces: Map<string, string>;

  constructor({ items = [], includedNamespaces = [], namespaceMapping = {} }: Names) {
    const keys = items.map(({ group = '', resource = '', namespace = '', name = '' }) => ({ group, resource, namespace, name }));
    this.#items = new Map(keys.map((key) => [idOf(key), key]));
    this.#namespaces = new Map([
      ...includedNamespaces.filter((name) => !isGlob(name)).map((name) => [name, 'spec.includedNamespaces'] as const),
      ...Object.keys(namespaceMapping).map((name) => [name, 'spec.namespaceMapping'] as const),
    ]);
  }

  /** The backup holds this. */
  found(item: Item): void {
    this.#items.delete(idOf(item));
    this.#namespaces.delete(qualified(item) === namespaces ? item.name : item.namespace);
  }

  get items(): readonly ItemKey[] {
    return [...this.#items.values()];
  }

  /** In words. */
  get namespaces(): readonly string[] {
    return [...this.#namespaces].map(([name, field]) => `${field} names the namespace "${name}", of which the backup holds nothing`);
  }
}

const idOf = ({ group, resource, namespace, name }: ItemKey) => [group, resource, namespace, name].join('/');
