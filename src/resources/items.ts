/** `backups/NAME/items`: what is inside, page by page, and below it every manifest by itself. */
import type { Answer } from '../machinery/call.ts';
import { ApiError, badRequest, qualified, quote } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall, Subresource } from '../machinery/resource.ts';
import { integer, list, map, object, optional, text } from '../machinery/schema.ts';
import { listAnswer, manifestAnswer, pageOf, pageParameters } from './reading.ts';
import type { ItemKey, ItemQuery, Services } from './services.ts';

const item = object('One object that the backup holds.', {
  group: optional(text('API group of the object; empty for the core group.')),
  version: text('Version of the API in which it was saved.'),
  kind: text('Kind of the object.'),
  resource: text('Plural of its kind.'),
  namespace: optional(text('Namespace in which it lay; empty where it lay in none.')),
  name: text('Name of the object.'),
  uid: text('UID that it had.'),
  labels: optional(map('Labels that it had.', text('Value of the label.'))),
  bytes: integer('Length of its manifest.'),
  sha256: text('SHA-256 of its manifest, in hexadecimal digits.'),
});

/** By which a page of items, or of what became of them, is chosen. */
export const itemParameters: Subresource['parameters'] = [
  ...pageParameters,
  { name: 'labelSelector', type: 'string', description: 'Only objects whose labels match.' },
  { name: 'group', type: 'string', description: 'Only objects of this API group; core for the core group.' },
  { name: 'resource', type: 'string', description: 'Only objects of this resource, by its plural, singular, kind or short name.' },
  { name: 'namespace', type: 'string', description: 'Only objects of this namespace; _ for those that lie in none.' },
  { name: 'name', type: 'string', description: 'Only objects of this name.' },
];

export const items = defineSubresource<Services>({
  name: 'items',
  verbs: ['get'],
  kind: 'BackupItemList',
  description:
    'List the objects that a Backup holds. Below it, items/GROUP/RESOURCE/NAMESPACE/NAME is the manifest of one of them; the core group is written core, no namespace _.',
  parameters: itemParameters,
  produces: 'application/json',
  fields: { items: list('The objects, in order of their keys.', item) },
  subpath: true,
  handle: (backup, call, services) =>
    call.resource.subpath.length === 0 ? page(backup, call, services) : manifest(backup, call, services),
});

async function page(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  return listAnswer(call, 'BackupItemList', await services.items(backup, itemQueryOf(call.query), call.signal));
}

export function itemQueryOf(query: URLSearchParams): ItemQuery {
  const group = query.get('group');
  const resource = query.get('resource');
  const namespace = query.get('namespace');
  const name = query.get('name');
  return {
    ...pageOf(query),
    labelSelector: query.get('labelSelector') ?? '',
    ...(group !== null && { group: unless(group, 'core') }),
    ...(resource && { resource }),
    ...(namespace !== null && { namespace: unless(namespace, '_') }),
    ...(name && { name }),
  };
}

async function manifest(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const key = keyOf(call.resource.subpath);
  const bytes = await services.item(backup, key, call.signal);
  if (bytes) return manifestAnswer(call, new TextDecoder().decode(bytes));
  const where = key.namespace ? ` in namespace ${quote(key.namespace)}` : '';
  const message = `backup ${quote(backup.metadata.name)} holds no ${qualified(key)} ${quote(key.name)}${where}`;
  throw new ApiError(404, 'NotFound', message, { name: key.name, ...(key.group && { group: key.group }), kind: key.resource });
}

function keyOf(path: readonly string[]): ItemKey {
  const [group = '', resource = '', namespace = '', name = ''] = path;
  if (path.length !== 4)
    throw badRequest('items has to be followed by GROUP/RESOURCE/NAMESPACE/NAME, with core for the core group and _ for no namespace');
  return { group: unless(group, 'core'), resource, namespace: unless(namespace, '_'), name };
}

/** What a path cannot leave empty, it writes with a mark. */
const unless = (text: string, mark: string) => (text === mark ? '' : text);
