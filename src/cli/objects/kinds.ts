/** The kinds that the commands are about. Not taken from `resources`, whose schemas would take most of the time in which a command starts. */
import { group, version } from '../../resources/group.ts';
import type { WorkKind } from './kind.ts';

const logged = { onTheWay: 'logs -f', atTheEnd: 'logs' };

export const backups: WorkKind = { group, version, kind: 'Backup', plural: 'backups', singular: 'backup', hasLog: true, tells: logged };
export const restores: WorkKind = { group, version, kind: 'Restore', plural: 'restores', singular: 'restore', hasLog: true, tells: logged };
/** Without a log: Events tell of them. */
export const snapshots: WorkKind = {
  group,
  version,
  kind: 'Snapshot',
  plural: 'snapshots',
  singular: 'snapshot',
  hasLog: false,
  tells: { onTheWay: 'get -w', atTheEnd: 'describe' },
};
