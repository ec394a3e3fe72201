/** `backups/NAME/verify`: has all that a Backup left in the object store read again, and held against what was written. */
import { jsonAnswer } from '../machinery/call.ts';
import type { Answer } from '../machinery/call.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import type { Services } from './services.ts';

export const verify = defineSubresource<Services>({
  name: 'verify',
  verbs: ['create'],
  kind: 'Backup',
  description:
    'Read and hash again everything that a Backup left in the object store. Takes no body, and answers with the Backup when that has ended, or after 20 seconds: then it goes on. status.verification and the condition Verified tell what was found. While one goes on, a second POST joins it.',
  parameters: [],
  produces: 'application/json',
  subpath: false,
  handle: begin,
});

async function begin(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  return jsonAnswer(201, JSON.stringify(await services.verify(backup, call.signal)));
}
