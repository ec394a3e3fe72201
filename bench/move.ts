/**
 * What a mover does, restic through Kylon into the store, against restic with the key of the store: a gigabyte in mixed files, for the
 * first time and once more. Pods take the same time in both, and are left out.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { timed } from './load.ts';
import { restic, serveRepositories } from './repositories.ts';
import type { Way } from './repositories.ts';
import { emptyStore } from './rig.ts';

export const moveNames = ['move', 'move-again'] as const;

const allRounds = [0, 1, 2, 3, 4];

/** On the bucket of KYLON_BENCH_S3; left out where that is not set. */
export async function benchMove(only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  const { KYLON_BENCH_S3: bucket } = process.env;
  if (!moveNames.some((name) => only.has(name))) return [];
  if (!bucket) {
    console.log('move is left out: KYLON_BENCH_S3 names no store');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'kylon-bench-'));
  const kylon = serveRepositories(placeIn(bucket, folder), folder);
  try {
    const megabytes = quick ? 64 : 1024;
    await fill(join(folder, 'volume'), megabytes);
    const [through, bare]: [Times[], Times[]] = [[], []];
    for (const round of allRounds) {
      bare.push(await times(folder, await bareWay(bucket, folder, round)));
      through.push(await times(folder, await kylon.way(`round-${round}`)));
    }
    const rate = (all: readonly Times[], which: keyof Times) => median(all.map((one) => megabytes / one[which]));
    const times3 = (all: readonly Times[], which: keyof Times) => median(all.map((one) => one[which]));
    return [
      figure({
        name: 'move',
        value: rate(through, 'first'),
        unit: 'MB/s',
        against: 'restic alone',
        againstValue: rate(bare, 'first'),
        goal: 0.9,
      }),
      figure({
        name: 'move-again',
        value: times3(through, 'again'),
        unit: 's',
        against: 'restic alone',
        againstValue: times3(bare, 'again'),
        goal: 1.2,
        better: 'lower',
      }),
    ];
  } finally {
    await kylon.close();
    for (const place of [placeIn(bucket, folder), ...allRounds.map((round) => bareIn(bucket, folder, round))]) await emptyStore(place);
    await rm(folder, { recursive: true });
  }
}

interface Times {
  /** Seconds. */
  readonly first: number;
  readonly again: number;
}

/** A cache of its own, as a Pod has it, for each. */
async function times(folder: string, way: Way): Promise<Times> {
  const backUp = async () => {
    const cache = await mkdtemp(join(folder, 'cache-'));
    const seconds = await timed(() => restic(way, ['backup', '--quiet', join(folder, 'volume')], { env: { RESTIC_CACHE_DIR: cache } }));
    await rm(cache, { recursive: true });
    return seconds;
  };
  return { first: await backUp(), again: await backUp() };
}

async function bareWay(bucket: string, folder: string, round: number): Promise<Way> {
  const { hostname, pathname, searchParams } = new URL(bareIn(bucket, folder, round));
  const place = `${searchParams.get('endpoint') ?? 'https://s3.amazonaws.com'}/${hostname}${pathname}`;
  const way = { repository: `s3:${place}`, env: { RESTIC_PASSWORD: 'bench' }, flags: [] };
  await restic(way, ['init']);
  return way;
}

const bareIn = (bucket: string, folder: string, round: number) => below(bucket, `${uniqueOf(folder)}-bare-${round}`);
const placeIn = (bucket: string, folder: string) => below(bucket, `${uniqueOf(folder)}-kylon`);

function below(bucket: string, name: string): string {
  const url = new URL(bucket);
  url.pathname += `/${name}`;
  return url.href;
}

const uniqueOf = (folder: string) => folder.slice(folder.lastIndexOf('-') + 1);

/** Half of it in a few large files that do not compress, the rest in small ones that do: a file of 16 KB for each 32 KB. */
async function fill(folder: string, megabytes: number): Promise<void> {
  const large = Math.floor(megabytes / 2 / 32);
  await mkdir(folder);
  for (let n = 0; n < large; n++) await writeFile(join(folder, `large-${n}`), randomBytes(32 << 20));
  const small = (megabytes / 2) * 64;
  for (let n = 0; n < small; n++) {
    if (n % 500 === 0) await mkdir(join(folder, `folder-${n / 500}`));
    const line = randomBytes(96).toString('base64');
    await writeFile(join(folder, `folder-${Math.floor(n / 500)}`, `small-${n}`), `${line}\n`.repeat(126));
  }
}
