/** `backups/NAME/hold`: keeps a Backup from expiry and deletion until the hold is lifted. */
import type { Answer } from '../machinery/call.ts';
import { ApiError, badRequest, invalid, quote, success } from '../machinery/errors.ts';
import { parseBody } from '../machinery/input/body.ts';
import { decodeObject } from '../machinery/input/decode-object.ts';
import { deleteOptions } from '../machinery/input/delete-options.ts';
import { valueFaults } from '../machinery/input/schema-faults.ts';
import { writeOptions } from '../machinery/input/write-options.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import { optional, text, time } from '../machinery/schema.ts';
import { apiVersion, group, version } from './group.ts';
import { reasonOfHold } from './held.ts';
import type { Hold } from './held.ts';
import { manifestAnswer } from './reading.ts';
import type { Services } from './services.ts';

const form = {
  group,
  version,
  kind: 'BackupHold',
  fields: {
    reason: optional(reasonOfHold),
    since: optional(time('Since when it is held. Written by Kylon.')),
    by: optional(text('Name of the user who holds it, or gave the reason last. Written by Kylon.')),
  },
};

export const hold = defineSubresource<Services>({
  name: 'hold',
  verbs: ['get', 'update', 'delete'],
  kind: form.kind,
  description:
    'Hold a Backup: whatever its ttl says, it does not expire, and it cannot be deleted, until the hold is lifted by a DELETE. A body may give the reason.',
  parameters: [{ name: 'dryRun', type: 'string', description: 'All: check it without doing it.' }],
  produces: 'application/json',
  fields: form.fields,
  subpath: false,
  handle: (backup, call, services) => {
    if (call.verb === 'update') return put(backup, call, services);
    return call.verb === 'delete' ? lift(backup, call, services) : Promise.resolve(shown(backup, call, holdOf(backup)));
  },
});

async function put(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const { dryRun, fieldValidation } = writeOptions('UpdateOptions', call.query);
  const parsed = call.body.byteLength === 0 ? { value: {}, duplicates: [] } : parseBody(call.body, call.contentType, form.kind);
  const { metadata, reason } = decodeObject(form, parsed, fieldValidation, (text) => call.warn(text));
  const faults = valueFaults(form.fields.reason, reason, 'reason');
  if (faults.length > 0) throw invalid(form, backup.metadata.name, faults);
  if (metadata.name && metadata.name !== backup.metadata.name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${backup.metadata.name})`);
  const held = await services.hold(backup, reason as string | undefined, { user: call.user, dryRun, preconditions: metadata }, call.signal);
  return shown(held, call, holdOf(held));
}

async function lift(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const { dryRun, preconditions } = deleteOptions(call);
  const { metadata } = await services.release(backup, { user: call.user, dryRun, preconditions }, call.signal);
  return manifestAnswer(
    call,
    JSON.stringify({ ...success(detailsOf(metadata)), message: `backup ${quote(metadata.name)} is no longer held` }),
  );
}

/** Throws ApiError 404. */
function holdOf({ metadata, status }: KubeObject): Hold {
  const held = (status as { readonly hold?: Hold } | undefined)?.hold;
  if (held) return held;
  throw new ApiError(404, 'NotFound', `backup ${quote(metadata.name)} is not held`, detailsOf(metadata));
}

const detailsOf = ({ name, uid }: KubeObject['metadata']) => ({ name, group, kind: 'backups', ...(uid && { uid }) });

function shown({ metadata }: KubeObject, call: ResourceCall, { reason, since, by }: Hold): Answer {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const content = { metadata: { name, namespace, uid, resourceVersion, creationTimestamp }, reason, since, by };
  return manifestAnswer(call, JSON.stringify({ kind: form.kind, apiVersion, ...content }));
}
