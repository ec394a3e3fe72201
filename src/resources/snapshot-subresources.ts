/** What lies below a Snapshot. */
import { files } from './files.ts';
import { download, proxy } from './file-download.ts';
import { restoreFrom } from './restore-from.ts';

const restore = restoreFrom(
  'snapshotName',
  'Create a Restore that makes a PersistentVolumeClaim of a Snapshot, in the namespace of the Snapshot, or puts a file or folder of it into one that is there. Without a body the claim gets the name of the one that was taken.',
);

export const snapshotSubresources = [restore, files, download, proxy];
