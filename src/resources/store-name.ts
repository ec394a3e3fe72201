/** How a Backup and a Snapshot name the BackupStore that their data lies in. */
import type { FieldError } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Reference } from '../machinery/resource.ts';
import { optional, text } from '../machinery/schema.ts';
import { labelNameFaults } from '../machinery/writing/names.ts';
import { group } from './group.ts';

/** The store that the server was started with. */
export const defaultStore = 'default';

export const storeResource = { group, resource: 'backupstores' } as const;

/** Of a spec. */
export const storeName = (description: string) =>
  optional(text(`${description} Default: "${defaultStore}", the one that Kylon was started with.`));

/** Of a status. */
export const recordedStoreName = optional(
  text('Name of the BackupStore in which its data lies. It is recorded when the object is created, and does not change.'),
);

type InStore = KubeObject & { readonly spec?: { readonly storeName?: string }; readonly status?: { readonly storeName?: string } };

const named = (object: KubeObject) => (object as InStore).spec?.storeName;

/** Where the data of any object lies; that of kinds which name none lies in the default store. */
export const storeNameOf = ({ status }: KubeObject) => (status as InStore['status'])?.storeName ?? defaultStore;

/** A new object with the store that it names, in its status. */
export function withStoreName(object: KubeObject): KubeObject {
  return { ...object, status: { ...(object.status as object), storeName: named(object) ?? defaultStore } };
}

/** Given a spec that the schema allows. */
export function storeNameFaults(value: string | undefined): readonly FieldError[] {
  if (value === undefined) return [];
  return labelNameFaults(value).map((detail) => ({ field: 'spec.storeName', type: 'Invalid value', value, detail }));
}

export function storeReferences(object: KubeObject): readonly Reference[] {
  const name = named(object);
  return name === undefined || name === defaultStore ? [] : [{ field: 'spec.storeName', resource: storeResource, name }];
}

/** Whether its data lies in this store, or may come to. */
export const usesStore = (object: KubeObject, { metadata }: KubeObject) => storeNameOf(object) === metadata.name;
