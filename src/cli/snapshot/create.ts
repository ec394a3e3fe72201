/** `snapshot create`: of a claim, or of a VolumeSnapshot that is there. */
import { Argument, Command, Option } from 'commander';
import { connected, withConnection } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { UsageError } from '../exits.ts';
import { durationText } from '../flag-values.ts';
import { completed, create, given, storeNameOption, throttleOf, withCreateFlags, withThrottleFlags } from '../objects/creating.ts';
import type { CreateFlags, ThrottleFlags } from '../objects/creating.ts';
import { snapshots } from '../objects/kinds.ts';
import { readManifest } from '../objects/manifest.ts';
import type { Shell } from '../shell.ts';

interface Flags extends CreateFlags, ThrottleFlags {
  readonly claim?: string;
  readonly volumeSnapshot?: string;
  readonly volumeSnapshotClass?: string;
  readonly method?: string;
  readonly copyImage?: string;
  readonly moveData?: boolean;
  readonly storeName?: string;
  readonly ttl?: string;
  readonly timeout?: string;
}

export function createSnapshotCommand(shell: Shell): Command {
  const command = withThrottleFlags(withCreateFlags(new Command('create')))
    .description('Take a snapshot of the volume of a PersistentVolumeClaim, with your own rights.')
    .addArgument(new Argument('[name]', 'name of the new snapshot (default: that of the claim, and a suffix)'))
    .addOption(completing('persistentvolumeclaims', new Option('--claim <name>', 'claim whose volume is taken')))
    .option('--volume-snapshot <name>', 'VolumeSnapshot that is there, to adopt it instead')
    .option('--volume-snapshot-class <name>', 'VolumeSnapshotClass by which it is taken (default: that of the claim or of the driver)')
    .addOption(new Option('--method <method>', 'how it is taken (default: Auto)').choices(['Auto', 'CSI', 'File', 'Copy']))
    .option('--copy-image <image>', 'image with tar of the Pod that copies where no running Pod has the volume, with method Copy')
    .option('--move-data', 'copy it into the object store')
    .addOption(storeNameOption('BackupStore that it is copied into'))
    .option('--ttl <duration>', 'how long it is kept, as 48h or 1h30m (default: 720h)', durationText('ttl'))
    .option('--timeout <duration>', 'how long the driver may take (default: 10m)', durationText('timeout'));
  return withConnection(command).action((name: string | undefined, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const manifest = await readManifest(shell, snapshots, flags.filename);
      const spec = specOf(flags);
      const { persistentVolumeClaimName, volumeSnapshotName } = { ...sourceIn(manifest.spec), ...sourceIn(spec) };
      const source = persistentVolumeClaimName ?? volumeSnapshotName;
      if (source === undefined) throw new UsageError('--claim or --volume-snapshot is needed');
      await create(shell, api, snapshots, completed(manifest, { name, spec, flags, nameless: { generateName: `${source}-` } }), flags);
    }),
  );
}

interface Source {
  readonly persistentVolumeClaimName?: string;
  readonly volumeSnapshotName?: string;
}

const sourceIn = (spec: Readonly<Record<string, unknown>>) => spec['source'] as Source | undefined;

function specOf({
  claim,
  volumeSnapshot,
  volumeSnapshotClass,
  method,
  copyImage,
  moveData,
  storeName,
  ttl,
  timeout,
  ...flags
}: Flags): Record<string, unknown> {
  const source = given({ persistentVolumeClaimName: claim, volumeSnapshotName: volumeSnapshot });
  return given({
    source: Object.keys(source).length > 0 ? source : undefined,
    volumeSnapshotClassName: volumeSnapshotClass,
    method,
    copy: copyImage === undefined ? undefined : { image: copyImage },
    moveData,
    storeName,
    throttle: throttleOf(flags),
    ttl,
    timeout,
  });
}
