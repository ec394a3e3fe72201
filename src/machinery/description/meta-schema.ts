/**
 * Descriptions of what Kubernetes adds to every kind: metadata, Status, options. They are published under names of our own,
 * because a definition that differs by a word from one under the name of Kubernetes itself upsets the merged document.
 */
import { anything, choice, flag, integer, list, map, object, open, optional, text, time } from '../schema.ts';
import type { TSchema } from '../schema.ts';

const owner = object(
  'An object on which this one depends: when all its owners are gone, it is deleted.',
  {
    apiVersion: text('API version of the owner.'),
    kind: text('Kind of the owner.'),
    name: text('Name of the owner, in the same namespace or in none.'),
    uid: text('UID of the owner.'),
    controller: optional(flag('True for the one owner that manages this object.')),
    blockOwnerDeletion: optional(flag('True keeps the owner, when it is deleted in the foreground, until this object is gone.')),
  },
  { 'x-kubernetes-map-type': 'atomic' },
);

const managedFields = object('Which fields one manager has set.', {
  manager: optional(text('Name of the manager.')),
  operation: optional(text('How the fields were set: Apply or Update.')),
  apiVersion: optional(text('Version of the object to which the fields belong.')),
  time: optional(time('When the set of fields last changed.')),
  fieldsType: optional(text('Format of fieldsV1; FieldsV1 is the only one there is.')),
  fieldsV1: optional(open('The fields, as a tree.')),
  subresource: optional(text('Subresource through which they were set, empty for the object itself.')),
});

const objectMeta = object('What every object has: its name, its place, and what is said about it.', {
  name: optional(text('Name, unique among the objects of this kind in the namespace. It cannot be changed.')),
  generateName: optional(text('Where no name is given: the beginning of the name that the server makes up.')),
  namespace: optional(text('Namespace in which the object lies. It cannot be changed.')),
  uid: optional(text('Unique in time and space: an object made anew under the same name has another one. Set by the server.')),
  resourceVersion: optional(
    text('Changes with every write. Sent back with an update, it makes sure that nobody else has changed the object in between.'),
  ),
  generation: optional(integer('Counts the changes of what the user wants, as opposed to the status. Set by the server.')),
  creationTimestamp: optional(time('When the object was created. Set by the server.')),
  deletionTimestamp: optional(
    time('When its deletion was asked for; the object is gone once nobody holds it by a finalizer. Set by the server.'),
  ),
  deletionGracePeriodSeconds: optional(integer('Seconds that the object is given to end by itself. Set by the server.')),
  labels: optional(map('Names and values by which objects are selected.', text('Value of the label.'))),
  annotations: optional(
    map('Names and values that tools keep with the object; nothing is selected by them.', text('Value of the annotation.')),
  ),
  ownerReferences: optional(
    list('The objects on which this one depends.', owner, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] }),
  ),
  finalizers: optional(
    list('Names of those who have something to do before the object may go.', text('Name of a finalizer.'), {
      'x-kubernetes-list-type': 'set',
    }),
  ),
  managedFields: optional(list('Who has set which field.', managedFields, { 'x-kubernetes-list-type': 'atomic' })),
  selfLink: optional(text('Not used any more.')),
});

const listMeta = object('What every list has.', {
  resourceVersion: optional(text('The number at which the list was true: a watch can begin here.')),
  continue: optional(text('Token for the next page; empty on the last.')),
  remainingItemCount: optional(integer('How many objects follow on further pages, where that is known.')),
  selfLink: optional(text('Not used any more.')),
});

const statusDetails = object('More about an outcome, for programs.', {
  name: optional(text('Name of the object concerned.')),
  group: optional(text('API group of the object concerned.')),
  kind: optional(text('Resource or kind concerned.')),
  uid: optional(text('UID of the object concerned.')),
  causes: optional(
    list(
      'What is wrong, one by one.',
      object('One thing that is wrong.', {
        reason: optional(text('What is wrong, in one word.')),
        message: optional(text('What is wrong, for people.')),
        field: optional(text('The field at fault, such as spec.ttl.')),
      }),
      { 'x-kubernetes-list-type': 'atomic' },
    ),
  ),
  retryAfterSeconds: optional(integer('Seconds to wait before trying again.', { format: 'int32' })),
});

const status = object('The outcome of a request that returns no object.', {
  apiVersion: optional(text('Always v1.')),
  kind: optional(text('Always Status.')),
  metadata: optional(open('Holds a token for the rest of a list that has expired.')),
  status: optional(text('Success or Failure.')),
  message: optional(text('The outcome, for people.')),
  reason: optional(text('Why it failed, in one word.')),
  details: optional(statusDetails),
  code: optional(integer('HTTP status of the answer.', { format: 'int32' })),
});

const deleteOptions = object('How something is to be deleted.', {
  apiVersion: optional(text('API version of this object.')),
  kind: optional(text('Always DeleteOptions.')),
  dryRun: optional(
    list('All: do everything but the deletion itself.', text('The only value is All.'), { 'x-kubernetes-list-type': 'atomic' }),
  ),
  gracePeriodSeconds: optional(integer('Seconds that the object is given to end by itself.')),
  orphanDependents: optional(flag('Older form of propagationPolicy Orphan.')),
  preconditions: optional(
    object('What must hold, otherwise nothing is deleted.', {
      uid: optional(text('UID that the object must have.')),
      resourceVersion: optional(text('Version that the object must have.')),
    }),
  ),
  propagationPolicy: optional(choice('What becomes of the dependents of the object.', ['Orphan', 'Background', 'Foreground'])),
});

const patch = anything('A JSON patch (a list of operations) or a JSON merge patch (a part of the object).');

/** By the names under which they are published in every group. */
export const metaSchemas = {
  ObjectMeta: objectMeta,
  ListMeta: listMeta,
  Status: status,
  DeleteOptions: deleteOptions,
  Patch: patch,
} as const satisfies Record<string, TSchema>;
