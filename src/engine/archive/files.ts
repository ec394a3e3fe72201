/** The names of what lies in the folder of a backup or a restore. */

export const archiveFile = 'archive.tar.gz';
export const itemsFile = 'items';
export const logFile = 'log';
export const manifestFile = 'manifest.json';
export const resultsFile = 'results';
