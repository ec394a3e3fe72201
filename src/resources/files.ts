/** `snapshots/NAME/files`: what lies in a folder of the volume, page by page. */
import type { Answer } from '../machinery/call.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall, Subresource } from '../machinery/resource.ts';
import { choice, integer, list, object, optional, text, time } from '../machinery/schema.ts';
import { listAnswer, pageOf, pageParameters } from './reading.ts';
import { fileTypes } from './services.ts';
import type { Services } from './services.ts';

const file = object('One file of the volume, as it was.', {
  name: text('Name of the file. What is no UTF-8 in it is replaced by U+FFFD.'),
  path: text('Path from the root of the volume, with a slash in front.'),
  type: choice('What it is.', fileTypes),
  size: integer('Length in bytes; 0 for what is no file.'),
  mode: text('Permissions as four octal digits, as 0644; the first one has setuid, setgid and sticky.'),
  uid: integer('Number of its owner.'),
  gid: integer('Number of its group.'),
  user: optional(text('Name of its owner, where it was known.')),
  group: optional(text('Name of its group, where it was known.')),
  modificationTime: optional(time('When it was last written.')),
  linkTarget: optional(text('What a symbolic link holds. It is told, and never followed.')),
});

export const pathParameter: Subresource['parameters'][number] = {
  name: 'path',
  type: 'string',
  description: 'Path from the root of the volume, as /a/b. Default: the root.',
};

export const files = defineSubresource<Services>({
  name: 'files',
  verbs: ['get'],
  kind: 'SnapshotFileList',
  description: 'List what a folder of a Snapshot holds; of a path that names a file, that file alone.',
  parameters: [pathParameter, ...pageParameters],
  produces: 'application/json',
  fields: { items: list('The files, in order of the bytes of their names.', file) },
  subpath: false,
  handle: page,
});

async function page(snapshot: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const query = { ...pageOf(call.query), path: call.query.get('path') ?? '' };
  return listAnswer(call, 'SnapshotFileList', await services.files(snapshot, query, call.user, call.signal));
}
