/** `backupstores/NAME/check`: has a store tried now. */
import { jsonAnswer } from '../machinery/call.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { Services } from './services.ts';

export const check = defineSubresource<Services>({
  name: 'check',
  verbs: ['create'],
  kind: 'BackupStore',
  description:
    'Read and write a store now, to prove that it keeps its promises. Takes no body, and answers with the BackupStore when that has ended; its status tells what was found.',
  parameters: [],
  produces: 'application/json',
  subpath: false,
  handle: async (store, call, services) => jsonAnswer(201, JSON.stringify(await services.checkStore(store, call.signal))),
});
