/** All kinds: those of Kylon, and those that the playground serves beside them. A new kind is one line here. */
import type { ResourceDefinition } from '../machinery/resource.ts';
import { backupStores } from './backup-store.ts';
import { backups } from './backup.ts';
import { extensionKinds, rbacKinds, storageKinds } from './cluster-kinds.ts';
import { coreKinds } from './core.ts';
import { restores } from './restore.ts';
import { snapshots } from './snapshot.ts';
import { appsKinds, batchKinds, networkKinds } from './workloads.ts';

export const kylonResources: readonly ResourceDefinition[] = [backups, restores, snapshots, backupStores];

/** Without Kylon's own. */
export const playgroundResources: readonly ResourceDefinition[] = [
  ...coreKinds,
  ...appsKinds,
  ...batchKinds,
  ...networkKinds,
  ...rbacKinds,
  ...extensionKinds,
  ...storageKinds,
];
