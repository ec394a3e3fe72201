/** What lies below a Snapshot. */
import { files } from './files.ts';
import { download, proxy } from './file-download.ts';
import { restoreFrom } from './restore-from.ts';

const restore = restoreFrom(
  'snapshotName',
  'Create a Restore that makes a PersistentVolumeClaim of a Snapshot, in the namespace of the Snapshot. Without a body it gets the name of the claim that was taken.',
);

export const snapshotSubresources = [restore, files, download, proxy];
