/** The running container through which a volume can be read or written as a whole. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, listOf, textOf } from '../selection/fields.ts';

export interface MountedVolume {
  readonly pod: string;
  readonly container: string;
  /** Of the container. */
  readonly image: string;
  /** Where the volume is in it: a folder, or a device. */
  readonly path: string;
  readonly isReadOnly: boolean;
}

/** What every runtime mounts into a container, which would be taken for files of the volume around it. */
const ofRuntime = ['/proc', '/sys', '/dev', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

/** Undefined where no running container of the Pod has all of the volume, and nothing else, below one path. */
export function mountedIn({ metadata, spec, status }: ClusterObject, claimName: string): MountedVolume | undefined {
  if (metadata['deletionTimestamp'] !== undefined) return undefined;
  const { volumes, containers } = fieldsOf(spec);
  const names = listOf(volumes).flatMap((volume) =>
    fieldsOf(volume['persistentVolumeClaim'])['claimName'] === claimName ? [textOf(volume['name'])] : [],
  );
  const running = listOf(fieldsOf(status)['containerStatuses']).filter(({ state }) => fieldsOf(state)['running'] !== undefined);
  for (const container of listOf(containers)) {
    if (!running.some(({ name }) => name === container['name'])) continue;
    const device = listOf(container['volumeDevices']).find((one) => names.includes(textOf(one['name'])));
    const mount = device ?? wholeMount(listOf(container['volumeMounts']), names);
    if (!mount) continue;
    const { name, image } = container as { name: string; image: string };
    const path = String(mount['devicePath'] ?? mount['mountPath']);
    return { pod: metadata.name, container: name, image, path, isReadOnly: mount['readOnly'] === true };
  }
  return undefined;
}

function wholeMount(mounts: readonly Fields[], names: readonly (string | undefined)[]): Fields | undefined {
  const others = (own: Fields) => [...mounts.filter((one) => one !== own).map(({ mountPath }) => String(mountPath)), ...ofRuntime];
  return mounts.find((mount) => {
    const isPart = Boolean(mount['subPath']) || Boolean(mount['subPathExpr']);
    const path = String(mount['mountPath']);
    return names.includes(textOf(mount['name'])) && !isPart && !others(mount).some((other) => isBelow(other, path));
  });
}

const isBelow = (path: string, folder: string) => `${path}/`.startsWith(`${folder.replace(/\/+$/, '')}/`);
