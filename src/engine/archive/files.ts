/** The names of what lies in the folder of a backup or a restore. */

export const archiveFile = 'archive.tar.gz';
export const itemsFile = 'items';
export const logFile = 'log';
export const manifestFile = 'manifest.json';
export const resultsFile = 'results';

/** Of the pieces of a log that is still being written: see runs/live-log.ts. */
const liveLogFolder = 'live-log/';
/** In order of numbers; they last for nine years of a run. */
export const livePieceFile = (number: number) => `${liveLogFolder}${String(number).padStart(8, '0')}`;
export const isLivePiece = (file: string) => file.startsWith(liveLogFolder) && /^\d{8}$/.test(file.slice(liveLogFolder.length));
