/** What lies below a Backup. */
import { defineSubresource } from '../machinery/resource.ts';
import { diff } from './diff.ts';
import { download, proxy } from './download.ts';
import { hold } from './hold.ts';
import { items } from './items.ts';
import { logAnswer, logDelay, logParameters } from './reading.ts';
import { restoreFrom } from './restore-from.ts';
import type { Services } from './services.ts';
import { verify } from './verify.ts';

const restore = restoreFrom(
  'backupName',
  'Create a Restore of a Backup, in the namespace of the Backup. Without a body it restores everything.',
);

const log = defineSubresource<Services>({
  name: 'log',
  verbs: ['get'],
  kind: 'Backup',
  description: `Read the log of a Backup, also while it is running. ${logDelay}`,
  parameters: logParameters,
  produces: 'text/plain',
  subpath: false,
  handle: logAnswer,
});

export const backupSubresources = [restore, download, proxy, items, log, diff, verify, hold];
