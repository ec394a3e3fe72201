/** Looking into a moved volume of a million files: how soon a page of a folder is there, and one file, and in how much memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { fillVolume } from './files-volume.ts';
import { inOwnProcess } from './own-process.ts';
import type { Found } from './own-process.ts';
import { hasRestic, restic, serveRepositories } from './repositories.ts';

export const filesNames = [
  'files-cold',
  'files-restart',
  'files-first-page',
  'files-later-page',
  'files-download',
  'files-cold-memory',
  'files-index-memory',
  'files-memory',
] as const;

const rounds = 3;

/** Left out where there is no restic; `quick` with a twentieth of the files, for which the targets are not meant. */
export async function benchFiles(only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  if (!filesNames.some((name) => only.has(name))) return [];
  if (!(await hasRestic())) {
    console.log('files are left out: restic is neither in PATH nor named by RESTIC');
    return [];
  }
  const count = quick ? 50_000 : 1_000_000;
  const folder = await mkdtemp(join(tmpdir(), 'kylon-bench-'));
  try {
    const store = pathToFileURL(join(folder, 'store')).href;
    const snapshotId = await moveVolume(folder, store, count);
    const look = (kept: string) => measure(store, join(folder, kept), snapshotId, count);
    const [cold, again]: [Found[], Found[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      cold.push(await look(`kept-${round}`));
      again.push(await look(`kept-${round}`));
    }
    return figures(count, cold, again);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Memory is constant as it does not grow with what has been read: beside the index, which is kept, there is one folder at a time, sealed, opened and
 * expanded. The list of the largest one has 42 MB.
 */
function figures(count: number, cold: readonly Found[], again: readonly Found[]): Figure[] {
  const middle = (runs: readonly Found[], what: string) => median(runs.map((found) => found[what] ?? NaN));
  const most = (runs: readonly Found[], from: 'idle' | 'open', to: 'open' | 'anonymous') =>
    Math.max(...runs.map((found) => (found[to] ?? NaN) - (found[from] ?? NaN)));
  const all = [...cold, ...again];
  return [
    target('files-cold', middle(cold, 'opened'), 's, nothing kept', 1),
    target('files-restart', middle(again, 'opened'), 's, a new process', 1),
    target('files-first-page', middle(all, 'first'), 's', 1),
    target('files-later-page', middle(all, 'later'), 's', 1),
    target('files-download', middle(all, 'download'), 's to the first byte', 1),
    target('files-cold-memory', most(cold, 'idle', 'anonymous'), 'MiB, nothing kept', 256),
    target('files-index-memory', (most(again, 'idle', 'open') * 2 ** 20) / count, 'bytes a file', 100),
    target('files-memory', most(again, 'open', 'anonymous'), 'MiB while it is read', 128),
  ];
}

/** As a mover does it. Answers the id that restic gives. */
async function moveVolume(folder: string, store: string, count: number): Promise<string> {
  const kylon = serveRepositories(store, folder);
  try {
    fillVolume(join(folder, 'volume'), count);
    const printed = await restic(await kylon.way('files'), ['backup', '--no-cache', '--quiet', '--json', 'volume'], { cwd: folder });
    const { snapshot_id } = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as { snapshot_id: string };
    return snapshot_id;
  } finally {
    await rm(join(folder, 'volume'), { recursive: true });
    await kylon.close();
  }
}

function measure(store: string, kept: string, snapshotId: string, count: number): Promise<Found> {
  return inOwnProcess(import.meta.resolve('./files-child.ts'), [store, kept, snapshotId, String(count)]);
}

const target = (name: string, value: number, unit: string, againstValue: number): Figure =>
  figure({ name, value, unit, against: 'the target', againstValue, goal: 1, better: 'lower' });
