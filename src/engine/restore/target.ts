/** What things are called where they go. */
import { qualified } from '../../machinery/errors.ts';
import type { ItemKey } from '../../resources/services.ts';
import { namespaces } from '../selection/known.ts';

/** As a mapping of a spec says; what it does not name stays. */
export function mapped(mapping: Readonly<Record<string, string>> | undefined, name: string): string {
  return mapping && Object.hasOwn(mapping, name) ? (mapping[name] ?? name) : name;
}

export function targetIn(mapNamespace: (namespace: string) => string, { group, resource, namespace, name }: ItemKey): ItemKey {
  const isNamespace = qualified({ group, resource }) === namespaces;
  return { group, resource, namespace: namespace && mapNamespace(namespace), name: isNamespace ? mapNamespace(name) : name };
}
