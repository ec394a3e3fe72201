/** How one object of a backup is named: `deployments.apps/shop/web`, `configmaps/shop/prices`, `namespaces/shop`. */
import { UsageError } from '../exits.ts';

export interface ItemName {
  /** Empty for the core group. */
  readonly group: string;
  readonly resource: string;
  /** Undefined for what lies in no namespace. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Throws UsageError. */
export function itemFromText(text: string): ItemName {
  const parts = text.split('/');
  if ((parts.length !== 2 && parts.length !== 3) || parts.includes(''))
    throw new UsageError(`"${text}" does not name an object: RESOURCE/NAMESPACE/NAME, or RESOURCE/NAME, as deployments.apps/shop/web`);
  const [resource = '', ...rest] = parts;
  return { ...resourceFromText(resource), namespace: rest.length === 2 ? rest[0] : undefined, name: rest.at(-1) ?? '' };
}

/** `deployments.apps`, or `configmaps` of the core group. */
export function resourceFromText(text: string): { readonly resource: string; readonly group: string } {
  const [resource = '', ...group] = text.split('.');
  return { resource, group: group.join('.') };
}

export function itemText({ group = '', resource, namespace, name }: Partial<ItemName>): string {
  return [group ? `${resource}.${group}` : resource, ...(namespace ? [namespace] : []), name].join('/');
}
