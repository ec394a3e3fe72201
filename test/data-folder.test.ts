import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { randomIds } from '../src/base/ids.ts';
import { prepareDataFolder } from '../src/data-folder.ts';

it('makes the folder and leaves nothing in it, or says why no file can be made there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'data-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await prepareDataFolder(join(folder, 'a/b'), randomIds);
  expect(await readdir(join(folder, 'a/b'))).toEqual([]);
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(prepareDataFolder(file, randomIds)).rejects.toThrow(
    `--data: no files can be made in ${file}: a part of the path is a file, not a folder`,
  );
  await expect(prepareDataFolder('/proc/kylon', randomIds)).rejects.toThrow(
    '--data: no files can be made in /proc/kylon: it does not exist',
  );
});
