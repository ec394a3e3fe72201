/** `restore create`: flags as velero spells them. */
import { Argument, Command, Option } from 'commander';
import { connected, withConnection } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { itemFromText } from '../content/item-names.ts';
import { UsageError } from '../exits.ts';
import { collect, listed, pairs } from '../flag-values.ts';
import { restores } from '../objects/kinds.ts';
import {
  completed,
  create,
  given,
  selectionOf,
  throttleOf,
  withCreateFlags,
  withSelectionFlags,
  withThrottleFlags,
} from '../objects/creating.ts';
import type { CreateFlags, SelectionFlags, ThrottleFlags } from '../objects/creating.ts';
import { readManifest } from '../objects/manifest.ts';
import type { Shell } from '../shell.ts';

interface Flags extends CreateFlags, SelectionFlags, ThrottleFlags {
  readonly fromBackup?: string;
  readonly backupNamespace?: string;
  readonly fromSnapshot?: string;
  readonly snapshotNamespace?: string;
  readonly claim?: string;
  readonly claimSize?: string;
  readonly path?: string;
  readonly targetDirectory?: string;
  readonly verify?: boolean;
  readonly claimStorageClass?: string;
  readonly claimAccessModes?: readonly string[];
  readonly namespaceMappings?: Readonly<Record<string, string>>;
  readonly storageClassMappings?: Readonly<Record<string, string>>;
  readonly existingResourcePolicy?: string;
  readonly item?: readonly string[];
  readonly restoreStatus?: true;
  readonly preserveNodeports?: true;
  readonly dryRunItems?: true;
}

export function createRestoreCommand(shell: Shell): Command {
  const command = withThrottleFlags(withCreateFlags(withSelectionFlags(new Command('create'))))
    .description('Bring back what a backup holds, or a part of it, or the volume of a snapshot, with your own rights.')
    .addArgument(new Argument('[name]', 'name of the new restore (default: that of the backup or snapshot, and a suffix)'))
    .addOption(completing('backups', new Option('--from-backup <name>', 'backup to restore')))
    .addOption(completing('namespaces', new Option('--backup-namespace <name>', 'namespace of the backup, where it is another')))
    .addOption(
      completing('snapshots', new Option('--from-snapshot <name>', 'snapshot to make a claim of; goes with the flags of the claim only')),
    )
    .addOption(completing('namespaces', new Option('--snapshot-namespace <name>', 'namespace of the snapshot, where it is another')))
    .option(
      '--claim <name>',
      'name of the claim that a snapshot becomes, or into which --path goes (default: that of the claim that was taken)',
    )
    .option('--path <path>', 'only this file or folder of the snapshot, as `snapshot files` prints it, into a claim that is there')
    .option('--target-directory <path>', 'folder of the volume into which it goes, . for its root (default: the one in which it was)')
    .option('--claim-size <quantity>', 'its size, as 20Gi (default: that of the claim that was taken)')
    .option('--verify', 'read back what was written into its volume, of a snapshot in the object store')
    .option('--claim-storage-class <name>', 'its StorageClass, of the same driver')
    .option('--claim-access-modes <modes>', 'its access modes, as ReadWriteOnce,ReadOnlyMany', listed)
    .option('--namespace-mappings <pairs>', 'restore into other namespaces, as shop:shop-copy,…', pairs('namespace-mappings', ':'))
    .option('--storage-class-mappings <pairs>', 'use other storage classes, as old:new,…', pairs('storage-class-mappings', ':'))
    .addOption(
      new Option('--existing-resource-policy <policy>', 'what is done with objects that are there and differ (default: Skip)').choices([
        'Skip',
        'Update',
        'Recreate',
      ]),
    )
    .option(
      '--item <resource/namespace/name>',
      'only this object, as `backup items -o name` prints it; may be given several times',
      collect,
    )
    .option('--restore-status', 'restore the status of objects too')
    .option('--preserve-nodeports', 'give Services the node ports that they had')
    .option('--dry-run-items', 'try every write and change nothing: `restore results` says what would happen');
  return withConnection(command).action((name: string | undefined, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const manifest = await readManifest(shell, restores, flags.filename);
      const spec = { ...selectionOf(flags), ...given(specOf(flags)) };
      const { backupName, snapshotName } = { ...manifest.spec, ...spec };
      const source = backupName ?? snapshotName;
      if (typeof source !== 'string' || source === '') throw new UsageError('--from-backup or --from-snapshot is needed');
      await create(shell, api, restores, completed(manifest, { name, spec, flags, nameless: { generateName: `${source}-` } }), flags);
    }),
  );
}

function specOf(flags: Flags): Record<string, unknown> {
  return {
    backupName: flags.fromBackup,
    backupNamespace: flags.backupNamespace,
    snapshotName: flags.fromSnapshot,
    snapshotNamespace: flags.snapshotNamespace,
    claim: claimOf(flags),
    files: filesOf(flags),
    throttle: throttleOf(flags),
    namespaceMapping: flags.namespaceMappings,
    storageClassMapping: flags.storageClassMappings,
    existingResourcePolicy: flags.existingResourcePolicy,
    items: flags.item?.map((text) => given({ ...itemFromText(text) })),
    restoreStatus: flags.restoreStatus,
    preserveNodePorts: flags.preserveNodeports,
    dryRun: flags.dryRunItems,
  };
}

/** Undefined where no flag speaks of it. */
function claimOf({ claim, claimSize, claimStorageClass, claimAccessModes, verify }: Flags): object | undefined {
  const fields = given({ name: claim, size: claimSize, storageClassName: claimStorageClass, accessModes: claimAccessModes, verify });
  return Object.keys(fields).length > 0 ? fields : undefined;
}

/** Undefined where no flag speaks of them. The API has no slash in front of paths, though it prints them so. */
function filesOf({ path, targetDirectory }: Flags): object | undefined {
  if (path === undefined && targetDirectory === undefined) return undefined;
  return given({ path: path?.replace(/^\//, ''), targetDirectory });
}
