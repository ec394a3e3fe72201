/** What lies below a Backup. */
import { parseBody } from '../machinery/input/body.ts';
import { jsonAnswer } from '../machinery/call.ts';
import type { Answer } from '../machinery/call.ts';
import { decodeObject } from '../machinery/input/decode-object.ts';
import { badRequest, quote } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import { writeOptions } from '../machinery/input/write-options.ts';
import { diff } from './diff.ts';
import { download, proxy } from './download.ts';
import { hold } from './hold.ts';
import { items } from './items.ts';
import { logAnswer, logParameters } from './reading.ts';
import { restores } from './restore.ts';
import type { RestoreSpec } from './restore.ts';
import type { Services } from './services.ts';
import { verify } from './verify.ts';

const restore = defineSubresource<Services>({
  name: 'restore',
  verbs: ['create'],
  kind: 'Restore',
  description: 'Create a Restore of a Backup, in the namespace of the Backup. Without a body it restores everything.',
  parameters: [
    { name: 'dryRun', type: 'string', description: 'All: check the Restore without creating it; its field spec.dryRun tries the writes.' },
  ],
  produces: 'application/json',
  subpath: false,
  handle: create,
});

const log = defineSubresource<Services>({
  name: 'log',
  verbs: ['get'],
  kind: 'Backup',
  description: 'Read the log of a Backup, also while it is running.',
  parameters: logParameters,
  produces: 'text/plain',
  subpath: false,
  handle: logAnswer,
});

export const backupSubresources = [restore, download, proxy, items, log, diff, verify, hold];

async function create(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const { dryRun, fieldValidation } = writeOptions('CreateOptions', call.query);
  const parsed = call.body.byteLength === 0 ? { value: {}, duplicates: [] } : parseBody(call.body, call.contentType, restores.kind);
  const given = decodeObject(restores, parsed, fieldValidation, (text) => call.warn(text));
  const made = await services.createRestore(restoreOf(backup, given), call.user, { dryRun }, call.signal);
  return jsonAnswer(201, JSON.stringify(made));
}

/** What the client left out follows from the Backup; what it says must not differ. */
function restoreOf({ metadata: { name, namespace = '' } }: KubeObject, given: KubeObject): KubeObject {
  const spec = (given.spec ?? {}) as Partial<RestoreSpec>;
  const { metadata } = given;
  requireSame('metadata.namespace', metadata.namespace, namespace);
  requireSame('spec.backupNamespace', spec.backupNamespace, namespace);
  requireSame('spec.backupName', spec.backupName, name);
  const generateName = metadata.name ? undefined : metadata.generateName || `${name}-`;
  return {
    ...given,
    metadata: { ...metadata, namespace, ...(generateName && { generateName }) },
    spec: { ...spec, backupName: name },
  };
}

function requireSame(field: string, given: unknown, expected: string): void {
  if (given === undefined || given === '' || given === expected) return;
  throw badRequest(`${field} is ${JSON.stringify(given)}, the URL says ${quote(expected)}`);
}
