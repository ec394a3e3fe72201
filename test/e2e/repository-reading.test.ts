/** Our reader of repositories against restic itself: random trees that it has saved, with what changed between, read back and compared. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/objectstore/open.ts';
import type { FileTree } from '../../src/repository/reading/file-tree.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { KeptIndexes } from '../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../src/repository/reading/open-repositories.ts';
import { wholeForm } from '../../src/repository/reading/tar-of.ts';
import { parts } from '../objectstore/stores.ts';
import { Random } from '../simulation/random.ts';
import { suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, coldBuild, missingGo } from './go.ts';
import { run } from './process.ts';

const { title, options } = suite('the reader of repositories', missingGo() ?? { kubeconfig: '' });
const signal = AbortSignal.any([]);
const password = 'secret';
const characters = ['a', 'B', '0', ' ', '"', '\\', '\n', '\t', '\x7f', '\u00a0', 'é', '日', '😀', '%', '-', '.', "'", '\u200b'];

describe(title, options, () => {
  let restic: string;
  beforeAll(async () => {
    restic = await buildGo('restic', { package: 'github.com/restic/restic/cmd/restic', static: true });
  }, coldBuild);

  it.each([1, 2, 3])('reads what restic has saved of the random tree %d', async (seed) => {
    const random = new Random(seed);
    const [tree, files, cache] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const inFiles = (...args: string[]) => ask(['-r', join(files, 'restic'), '--cache-dir', cache, ...args], tree);
    await inFiles('init', ...(seed === 3 ? ['--repository-version', '1'] : []));
    const repositories = new OpenRepositories(new KeptIndexes(memoryStore()));
    const { store } = await openStore(pathToFileURL(files).href, parts, signal);
    for (let round = 0; round < 3; round++) {
      change(tree, random);
      const saved = await inFiles(
        'backup',
        '--json',
        '--pack-size',
        '4',
        ...(round === 1 && seed < 3 ? ['--compression', 'off'] : []),
        '.',
      );
      const { snapshot_id: id } = JSON.parse(saved.trim().split('\n').at(-1) ?? '') as { snapshot_id: string };
      const opened = await repositories.openTree({ store, prefix: 'restic/' }, () => Promise.resolve(password), id, signal);
      expect(await seen(opened, '/')).toEqual(lying(tree, '/'));
      expect(await unpacked(opened)).toEqual(lying(tree, '/'));
      await compareParts(opened, tree, random);
    }
    await store.close();
  });

  async function ask(args: readonly string[], folder: string): Promise<string> {
    const inside = ['-c', 'cd "$0" && exec "$@"', folder, restic, ...args];
    const { code, stdout, stderr } = await run('sh', inside, { env: { RESTIC_PASSWORD: password } });
    expect(code, stderr).toBe(0);
    return stdout;
  }
});

/** More folders, files, links; some of those that are there become others, or go. */
function change(tree: string, random: Random): void {
  const folders = () => ['', ...pathsIn(tree).filter((path) => lstatSync(join(tree, path)).isDirectory())];
  const files = () => pathsIn(tree).filter((path) => lstatSync(join(tree, path)).isFile());
  for (let n = 0; n < 6; n++) mkdirSync(newIn(tree, folders(), random), { mode: random.pick([0o755, 0o700, 0o1777]) });
  for (let n = 0; n < 60; n++) {
    const path = newIn(tree, folders(), random);
    writeFileSync(path, contentOf(random));
    chmodSync(path, random.pick([0o644, 0o600, 0o4755, 0o400]));
  }
  for (let n = 0; n < 4; n++) linkSync(join(tree, random.pick(files())), newIn(tree, folders(), random));
  for (let n = 0; n < 4; n++) symlinkSync(random.pick(characters) + random.pick(characters), newIn(tree, folders(), random));
  for (let n = 0; n < 5; n++) appendFileSync(join(tree, random.pick(files())), contentOf(random));
  for (let n = 0; n < 5; n++) rmSync(join(tree, random.pick(files())));
}

function newIn(tree: string, folders: readonly string[], random: Random): string {
  const name = Array.from({ length: random.between(1, 12) }, () => random.pick(characters)).join('');
  return join(tree, random.pick(folders), `${random.below(1_000_000)}${name}`);
}

function contentOf(random: Random): Buffer {
  const size = random.chance(0.1) ? 0 : random.chance(0.05) ? random.between(1, 5 << 20) : random.spread(1, 100_000);
  const compresses = random.chance(0.5);
  return Buffer.from(
    Uint32Array.from({ length: Math.ceil(size / 4) }, () => (compresses ? random.below(9) : random.bits())).buffer,
  ).subarray(0, size);
}

const pathsIn = (tree: string) => readdirSync(tree, { recursive: true, encoding: 'utf8' });

/** Whatever is compared, by path. */
type Known = Record<string, unknown>;

function lying(tree: string, below: string): Known {
  return Object.fromEntries(
    pathsIn(tree).map((path) => {
      const { mode, uid, gid, nlink, size, mtimeMs } = lstatSync(join(tree, path));
      const file = join(tree, path);
      const common = { mode: mode & 0o7777, uid, gid };
      const isLink = (mode & 0o170000) === 0o120000;
      const isFolder = (mode & 0o170000) === 0o040000;
      if (isLink) return [below + path, { ...common, target: readlinkSync(file) }];
      const seconds = Math.floor(mtimeMs / 1000);
      return [
        below + path,
        isFolder ? { ...common, seconds } : { ...common, seconds, links: nlink, size, content: readFileSync(file).toString('base64') },
      ];
    }),
  );
}

async function seen(tree: FileTree, path: string): Promise<Known> {
  const folder = (await tree.entry(path, signal)) ?? expect.fail(path);
  const { entries } = await tree.list(folder, path, { limit: 100_000, start: 0 }, signal);
  const known: Known = {};
  for (const entry of entries) {
    const { name, type, mode, uid, gid, modified = 0, linkTarget, links, size } = entry;
    const common = { mode, uid, gid };
    const seconds = Math.floor(modified / 1000);
    const here = `${path === '/' ? '' : path}/${name}`;
    if (type === 'symlink') known[here] = { ...common, target: linkTarget?.toString() };
    else if (type === 'dir') Object.assign(known, { [here]: { ...common, seconds } }, await seen(tree, here));
    else
      known[here] = {
        ...common,
        seconds,
        links,
        size,
        content: (await bytesOf(tree.content(entry, here, undefined, signal))).toString('base64'),
      };
  }
  return known;
}

async function unpacked(tree: FileTree): Promise<Known> {
  const folder = temporaryFolder();
  const root = (await tree.entry('/', signal)) ?? expect.fail('no root');
  execFileSync('tar', ['-xpf', '-', '--same-owner', '-C', folder], { input: await bytesOf(tree.archive(root, '/', wholeForm, signal)) });
  return lying(folder, '/');
}

async function compareParts(tree: FileTree, folder: string, random: Random): Promise<void> {
  const files = pathsIn(folder).filter((path) => lstatSync(join(folder, path)).size > 2 && lstatSync(join(folder, path)).isFile());
  for (let n = 0; n < 20; n++) {
    const path = random.pick(files);
    const whole = readFileSync(join(folder, path));
    const start = random.below(whole.length);
    const length = random.between(1, whole.length - start);
    const entry = (await tree.entry(path, signal)) ?? expect.fail(path);
    const part = await bytesOf(tree.content(entry, path, { start, length }, signal));
    expect(part.equals(whole.subarray(start, start + length)), `${path} ${start}+${length}`).toBe(true);
  }
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
