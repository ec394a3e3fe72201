/** The group and version of Kylon's own kinds, and names that they share. */

export const group = 'backup.kylon.io';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/** Holds an object until the data that it names is removed from the store. */
export const dataFinalizer = 'backup.kylon.io/data';
/** Label of a Snapshot that a Backup has taken: the uid of the Backup, with which it goes. */
export const backupUid = 'backup.kylon.io/backup-uid';
/** On a Backup or a Snapshot, `false` lets it go with its namespace. */
export const outlivesNamespace = 'backup.kylon.io/outlives-namespace';
