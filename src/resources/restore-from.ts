/** The subresource `restore`: makes a Restore of the object that it lies below. */
import { jsonAnswer } from '../machinery/call.ts';
import type { Answer } from '../machinery/call.ts';
import { badRequest, quote } from '../machinery/errors.ts';
import { parseBody } from '../machinery/input/body.ts';
import { decodeObject } from '../machinery/input/decode-object.ts';
import { writeOptions } from '../machinery/input/write-options.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall, Subresource } from '../machinery/resource.ts';
import { restores } from './restore.ts';
import type { RestoreSpec } from './restore.ts';
import type { Services } from './services.ts';

/** By which field a Restore names what it restores. */
type SourceField = 'backupName' | 'snapshotName';

export function restoreFrom(field: SourceField, description: string): Subresource {
  return defineSubresource<Services>({
    name: 'restore',
    verbs: ['create'],
    kind: 'Restore',
    description,
    parameters: [
      {
        name: 'dryRun',
        type: 'string',
        description: 'All: check the Restore without creating it; its field spec.dryRun tries the writes.',
      },
    ],
    produces: 'application/json',
    subpath: false,
    handle: (source, call, services) => create(field, source, call, services),
  });
}

async function create(field: SourceField, source: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const { dryRun, fieldValidation } = writeOptions('CreateOptions', call.query);
  const parsed = call.body.byteLength === 0 ? { value: {}, duplicates: [] } : parseBody(call.body, call.contentType, restores.kind);
  const given = decodeObject(restores, parsed, fieldValidation, (text) => call.warn(text));
  const made = await services.createRestore(restoreOf(field, source, given), call.user, { dryRun }, call.signal);
  return jsonAnswer(201, JSON.stringify(made));
}

/** What the client left out follows from the source; what it says must not differ. */
function restoreOf(field: SourceField, { metadata: { name, namespace = '' } }: KubeObject, given: KubeObject): KubeObject {
  const spec = (given.spec ?? {}) as Partial<RestoreSpec>;
  const { metadata } = given;
  requireSame('metadata.namespace', metadata.namespace, namespace);
  requireSame('spec.backupNamespace', spec.backupNamespace, namespace);
  requireSame('spec.snapshotNamespace', spec.snapshotNamespace, namespace);
  requireSame(`spec.${field}`, spec[field], name);
  const generateName = metadata.name ? undefined : metadata.generateName || `${name}-`;
  return {
    ...given,
    metadata: { ...metadata, namespace, ...(generateName && { generateName }) },
    spec: { ...spec, [field]: name },
  };
}

function requireSame(field: string, given: unknown, expected: string): void {
  if (given === undefined || given === '' || given === expected) return;
  throw badRequest(`${field} is ${JSON.stringify(given)}, the URL says ${quote(expected)}`);
}
