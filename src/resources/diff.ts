/** `backups/NAME/diff`: what has changed since a Backup was made, in the live cluster or in another Backup. */
import { textExactly } from '../base/exact-json.ts';
import type { Answer } from '../machinery/call.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import { anything, choice, list, object, optional, text } from '../machinery/schema.ts';
import { apiVersion } from './group.ts';
import { itemParameters, itemQueryOf } from './items.ts';
import { manifestAnswer } from './reading.ts';
import type { Services } from './services.ts';

const operation = object('One operation of a JSON patch (RFC 6902).', {
  op: choice('What it does.', ['add', 'remove', 'replace']),
  path: text('JSON pointer (RFC 6901) to the value.'),
  value: optional(anything('The value as it is now.')),
});

const difference = object('One object that is not as it was saved.', {
  group: optional(text('API group of the object; empty for the core group.')),
  version: text('Version of the API in which it was compared.'),
  kind: text('Kind of the object.'),
  resource: text('Plural of its kind.'),
  namespace: optional(text('Namespace in which it lies; empty where it lies in none.')),
  name: text('Name of the object.'),
  change: choice('Added: it is there now, and was not saved. Removed: it was saved, and is no longer there. Changed: it is another now.', [
    'Added',
    'Removed',
    'Changed',
  ]),
  patch: optional(
    list(
      'Of what is Changed: turns the object as it was saved into what it is now. What a controller or a default has set, status and what only the server writes are no differences.',
      operation,
      { 'x-kubernetes-list-type': 'atomic' },
    ),
  ),
});

export const diff = defineSubresource<Services>({
  name: 'diff',
  verbs: ['get'],
  kind: 'BackupDifferenceList',
  description:
    'List what has changed since a Backup was made: in the live cluster, which is read with the rights of who asks, or in another Backup. A page ends at its limit or after 20 seconds of work; metadata.continue then leads on.',
  parameters: [
    ...itemParameters,
    {
      name: 'against',
      type: 'string',
      description:
        'Name of another Backup of the namespace, to compare with instead of the live cluster. That takes the right to get its diff too.',
    },
  ],
  produces: 'application/json',
  fields: {
    items: list('The differences, by resource and in order of keys. Equal objects are not named.', difference),
    warnings: optional(
      list('What could not be compared, and why; whatever is not named here was compared.', text('One of them.'), {
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
  },
  subpath: false,
  handle: page,
});

async function page(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const against = call.query.get('against');
  const query = { ...itemQueryOf(call.query), ...(against && { against }) };
  const { items, continue: next, warnings } = await services.diff(backup, query, call.user, call.signal);
  const metadata = next ? { continue: next } : {};
  return manifestAnswer(
    call,
    textExactly({ kind: 'BackupDifferenceList', apiVersion, metadata, items, ...(warnings.length > 0 && { warnings }) }),
  );
}
