/** A volume of very many small files, and how they are called. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const filesInFolder = 1000;
/** The one with a tenth of all files. */
export const largeFolder = 'large';

export const folderName = (n: number) => `folder-${n}`;
export const fileName = (n: number) => `file-${n}`;

/** Each of another content. */
export function fillVolume(root: string, count: number): void {
  const large = count / 10;
  fillFolder(join(root, largeFolder), 0, large);
  for (let first = large; first < count; first += filesInFolder)
    fillFolder(join(root, folderName((first - large) / filesInFolder)), first, filesInFolder);
}

function fillFolder(folder: string, first: number, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let n = 0; n < count; n++) writeFileSync(join(folder, fileName(n)), `content of ${first + n}\n`);
}
