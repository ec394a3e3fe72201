/** The last verification of a Backup, as it stands in its status. */
import { choice, integer, list, object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';

/** Faults that are kept of a verification; of more, only their number is. */
export const mostFaults = 50;

const fault = object('One thing that is not as it was written.', {
  file: optional(
    text(
      'Name of the file in which it is: archive.tar.gz, items, log, manifest.json, or one that should not be there. Empty where it is about all.',
    ),
  ),
  item: optional(text('Key of the object that it is about, as RESOURCE/namespaces/NAMESPACE/NAME or RESOURCE/cluster/NAME.')),
  message: text('What is wrong.'),
});

export type Fault = Static<typeof fault>;

export const verification = object(
  'The last verification of what the backup left in the object store, begun by the subresource verify. Written by Kylon alone.',
  {
    phase: choice('InProgress, Passed (every byte is as it was written) or Failed (something is not, or could not be read: see faults).', [
      'InProgress',
      'Passed',
      'Failed',
    ]),
    startTimestamp: time('When it was asked for.'),
    completionTimestamp: optional(time('When it ended.')),
    items: integer('How many objects were found as they were written, so far.'),
    bytes: integer('How many bytes of files were read, so far.'),
    faultCount: integer('How many faults were found, so far.'),
    faults: optional(list(`The first ${mostFaults} faults.`, fault, { 'x-kubernetes-list-type': 'atomic', maxItems: mostFaults })),
    run: optional(
      object('Which process works on it.', {
        id: text('Tells one attempt from another.'),
        replica: text('Name of the replica of Kylon.'),
        renewed: optional(time('When that replica last said that it is at work.')),
      }),
    ),
  },
);

export type Verification = Static<typeof verification>;
