/**
 * What a mover does, restic through Kylon into the store, against restic with the key of the store: a gigabyte in mixed files, for the
 * first time and once more. Pods take the same time in both, and are left out.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { timed } from './load.ts';

export const moveNames = ['move', 'move-again'] as const;

const run = promisify(execFile);
const restic = process.env['RESTIC'] ?? 'restic';
const rounds = 3;

interface Way {
  readonly repository: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

/** On the bucket of KYLON_BENCH_S3; left out where that is not set. */
export async function benchMove(only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  const { KYLON_BENCH_S3: bucket } = process.env;
  if (!moveNames.some((name) => only.has(name))) return [];
  if (!bucket) {
    console.log('move is left out: KYLON_BENCH_S3 names no store');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'kylon-bench-'));
  const kylon = startKylon(placeIn(bucket, folder), folder);
  try {
    const megabytes = quick ? 64 : 1024;
    await fill(join(folder, 'volume'), megabytes);
    const [through, bare]: [Times[], Times[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      bare.push(await times(folder, await bareWay(bucket, folder, round)));
      through.push(await times(folder, await kylon.way(`round-${round}`, folder)));
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
    const env = { ...process.env, ...way.env, RESTIC_CACHE_DIR: cache };
    const seconds = await timed(() =>
      run(restic, ['-r', way.repository, ...way.flags, 'backup', '--quiet', join(folder, 'volume')], { env }),
    );
    await rm(cache, { recursive: true });
    return seconds;
  };
  return { first: await backUp(), again: await backUp() };
}

async function bareWay(bucket: string, folder: string, round: number): Promise<Way> {
  const { hostname, pathname, searchParams } = new URL(bucket);
  const place = `${searchParams.get('endpoint') ?? 'https://s3.amazonaws.com'}/${hostname}${pathname}/${uniqueOf(folder)}-bare-${round}`;
  const env = { RESTIC_PASSWORD: 'bench' };
  await run(restic, ['-r', `s3:${place}`, 'init'], { env: { ...process.env, ...env } });
  return { repository: `s3:${place}`, env, flags: [] };
}

function placeIn(bucket: string, folder: string): string {
  const url = new URL(bucket);
  url.pathname += `/${uniqueOf(folder)}-kylon`;
  return url.href;
}

const uniqueOf = (folder: string) => folder.slice(folder.lastIndexOf('-') + 1);

function startKylon(store: string, folder: string) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve('./move-child.ts')), store, join(folder, 'pki')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    way: async (namespace: string, place: string): Promise<Way> => {
      child.stdin.write(`${namespace}\n`);
      const found = JSON.parse(String((await lines.next()).value)) as Record<
        'path' | 'username' | 'password' | 'repositoryPassword' | 'ca' | 'port',
        string
      >;
      const caFile = join(place, 'ca.pem');
      await writeFile(caFile, found.ca);
      return {
        repository: `rest:https://localhost:${found.port}/${found.path}`,
        env: { RESTIC_REST_USERNAME: found.username, RESTIC_REST_PASSWORD: found.password, RESTIC_PASSWORD: found.repositoryPassword },
        flags: ['--cacert', caFile],
      };
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

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
