/** The kinds that the commands are about. Not taken from `resources`, whose schemas would take most of the time in which a command starts. */
import { group, version } from '../../resources/group.ts';
import type { Kind } from './kind.ts';

export const backups: Kind = { group, version, kind: 'Backup', plural: 'backups', singular: 'backup' };
export const restores: Kind = { group, version, kind: 'Restore', plural: 'restores', singular: 'restore' };
