/** An object as a list shows it, made an item of an archive. */
import type { ApiResource } from '../../cluster/cluster.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { NewItem } from '../archive/archive.ts';

/** What a backup looks at; everything else is kept unread. */
export interface ListedObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Of a claim. */
  readonly spec?: {
    readonly volumeName?: string;
    readonly storageClassName?: string;
    readonly accessModes?: readonly string[];
    readonly volumeMode?: string;
  };
}

/** Throws a SyntaxError for what is no JSON. */
export function parseListed(bytes: Uint8Array): ListedObject {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as ListedObject;
}

export function newItem(resource: ApiResource, object: ListedObject, bytes: Uint8Array): NewItem {
  const { name, namespace = '', uid = '', labels = {} } = object.metadata;
  return {
    group: resource.group,
    version: resource.version,
    resource: resource.resource,
    kind: resource.kind,
    namespace,
    name,
    uid,
    labels,
    manifest: typed(resource, object, bytes),
  };
}

/** The same bytes, with apiVersion and kind in front where a list left them out. */
export function typed(
  resource: ApiResource,
  { apiVersion, kind }: { readonly apiVersion?: string; readonly kind?: string },
  bytes: Uint8Array,
): Uint8Array {
  if (apiVersion !== undefined && kind !== undefined) return bytes;
  const missing = {
    ...(apiVersion === undefined && { apiVersion: groupVersion(resource) }),
    ...(kind === undefined && { kind: resource.kind }),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(missing).slice(0, -1)},`), bytes.subarray(1)]);
}
