/** A file or folder of a Snapshot as it is shown, whoever has copied the volume. */
import { rfc3339 } from '../../base/clock.ts';
import type { TarType } from '../../base/tar.ts';
import type { EntryType } from '../../repository/reading/entries.ts';
import type { FileType, SnapshotFile } from '../../resources/services.ts';

export const shownTypes: Readonly<Record<TarType | EntryType, FileType>> = {
  file: 'File',
  link: 'File',
  dir: 'Directory',
  symlink: 'SymbolicLink',
  dev: 'BlockDevice',
  chardev: 'CharDevice',
  fifo: 'NamedPipe',
  socket: 'Socket',
};

/** By which a name is shown that is no UTF-8. */
export const replaced = '\uFFFD';

export interface ShownEntry {
  /** Empty for the root. */
  readonly name: string;
  /** From the root of the volume, with a slash in front. */
  readonly path: string;
  readonly type: TarType | EntryType;
  readonly size: number;
  /** The twelve bits of a POSIX mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  /** Milliseconds since the epoch. */
  readonly modified: number | undefined;
  /** Of a symbolic link. */
  readonly target: string | undefined;
}

export function shownFile({ name, path, type, size, mode, uid, gid, user, group, modified, target }: ShownEntry): SnapshotFile {
  return {
    name: name || path,
    path,
    type: shownTypes[type],
    size,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    ...(user && { user }),
    ...(group && { group }),
    ...(modified !== undefined && { modificationTime: rfc3339(modified) }),
    ...(target !== undefined && { linkTarget: target }),
  };
}
