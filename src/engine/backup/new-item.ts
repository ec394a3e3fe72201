/** An object as a list shows it, made an item of an archive. */
import { asBuffer, membersOf, parseAt } from '../../base/json-scanner.ts';
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
}

const readFields = ['apiVersion', 'kind', 'metadata'];

/** Throws JsonFault for what is no object in JSON, as far as it looks: what is kept unread is taken for JSON from who has sent it. */
export function parseListed(bytes: Uint8Array): ListedObject {
  const buffer = asBuffer(bytes);
  const read = membersOf(buffer).filter(({ key }) => readFields.includes(key));
  return Object.fromEntries(read.map(({ key, start, end }) => [key, parseAt(buffer, start, end)])) as unknown as ListedObject;
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

/** The same bytes in pieces, with apiVersion and kind in front where a list left them out. */
export function typed(
  resource: ApiResource,
  { apiVersion, kind }: { readonly apiVersion?: string; readonly kind?: string },
  bytes: Uint8Array,
): readonly Uint8Array[] {
  if (apiVersion !== undefined && kind !== undefined) return [bytes];
  const missing = {
    ...(apiVersion === undefined && { apiVersion: groupVersion(resource) }),
    ...(kind === undefined && { kind: resource.kind }),
  };
  return [Buffer.from(`${JSON.stringify(missing).slice(0, -1)},`), bytes.subarray(1)];
}
