/**
 * restic itself, against a repository that Kylon serves from a store of files. It needs `--cacert`, RESTIC_REST_USERNAME, RESTIC_REST_PASSWORD and
 * RESTIC_PASSWORD, and no option besides: its five connections at once (`-o rest.connections`) are more than are saved at once, and the others wait.
 * `restic init` is not needed.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultIn, freedIn, isDamagedIn } from '../../src/engine/mover/mover-log.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { keyLine } from '../objectstore/keyrings.ts';
import { suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, coldBuild, missingGo } from './go.ts';
import { makeOddTree, sparseBytes, treeOf } from './odd-tree.ts';
import { eventually } from './process.ts';
import type { Result } from './process.ts';
import { Restic, startReplica } from './restic.ts';
import type { ReplicaOptions } from './restic.ts';
import type { StoreForKylon } from './stores.ts';
import { storesForKylon } from './stores.ts';
import { to } from '../repository/workbench.ts';

const { title, options } = suite('restic', missingGo() ?? { kubeconfig: '' });
const MiB = 1024 * 1024;
const hour = 3_600_000;
const signal = AbortSignal.any([]);

describe(title, options, () => {
  const files = join(temporaryFolder(), 'store');
  const tree = join(temporaryFolder(), 'tree');
  const folderOf = (namespace: string) => join(files, 'd/domain/volumes', namespace);
  let restic: Restic;
  let replica: Awaited<ReturnType<typeof startReplica>>;
  let append: Access;
  let read: Access;

  beforeAll(async () => {
    restic = new Restic(await buildGo('restic', { package: 'github.com/restic/restic/cmd/restic', static: true }));
    makeOddTree(tree, 40 * MiB);
    replica = await startReplica(pathToFileURL(files).href);
    append = await replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to('append'), hour, signal);
    read = await replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to('read'), hour, signal);
  }, coldBuild);
  afterAll(() => replica?.close());

  const at = (access: Access, ...args: string[]) => restic.at(replica.port, access, args);

  /** The summary of a backup that went well. */
  const summaryOf = ({ code, stdout, stderr }: Result) => {
    expect(code, stderr + stdout).toBe(0);
    const summary: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    return summary as {
      readonly snapshot_id: string;
      readonly files_new: number;
      readonly files_unmodified: number;
      readonly data_added: number;
    };
  };
  const backUp = async (access = append) => summaryOf(await at(access, 'backup', '--json', tree));
  const snapshots = async () => (JSON.parse((await at(read, 'snapshots', '--json')).stdout) as { id: string }[]).map(({ id }) => id);

  it('finds the repository made, and does not make it again', async () => {
    const init = await at(append, 'init');
    expect([init.code, init.stderr]).toEqual([1, expect.stringContaining('config file already exists')]);
    expect(await at(read, 'cat', 'config')).toMatchObject({ code: 0, stdout: expect.stringContaining('"version": 2') });
  });

  it('backs up, again by what has changed only, and proves all that it stored', async () => {
    const first = await backUp();
    expect(first.data_added).toBeGreaterThan(40 * MiB);
    appendFileSync(join(tree, 'one'), ' and changed');
    const second = await backUp();
    expect(second.data_added).toBeLessThan(MiB);
    expect(second.files_unmodified).toBeGreaterThan(3);
    const check = await at(read, 'check', '--read-data');
    expect([check.code, check.stdout], check.stderr).toEqual([0, expect.stringContaining('no errors were found')]);
    expect(await snapshots()).toEqual([first.snapshot_id, second.snapshot_id]);
  });

  it('restores everything as it was, links and holes too', async () => {
    const restored = temporaryFolder();
    const result = await at(read, 'restore', `latest:${tree}`, '--target', restored, '--sparse');
    expect(result.code, result.stderr).toBe(0);
    expect(treeOf(restored)).toEqual(treeOf(tree));
    expect(statSync(join(restored, 'one')).ino).toBe(statSync(join(restored, 'empty/two')).ino);
    expect(statSync(join(restored, 'sparse')).blocks * 512).toBeLessThan(sparseBytes / 16);
  });

  it('forgets nothing by a ticket, while Kylon does', async () => {
    const [first = '', second = ''] = await snapshots();
    const refused = await at(append, 'forget', first);
    expect([refused.code, refused.stderr + refused.stdout]).not.toEqual([0, '']);
    expect(await snapshots()).toEqual([first, second]);
    await replica.repositories.forget({ storeName: 'default', namespace: 'shop' }, first, signal);
    expect(await snapshots()).toEqual([second]);
    expect((await at(append, 'check')).code).toBe(0);
  });

  it('adds nothing by a ticket for reading', async () => {
    expect((await at(read, 'backup', tree)).code).toBe(1);
    expect(await snapshots()).toHaveLength(1);
  });

  it('adds and changes no key, which would keep others out', async () => {
    const before = readdirSync(join(folderOf('shop'), 'restic/keys'));
    const passwordFile = join(folderOf('shop'), 'secrets.json');
    expect((await at(append, 'key', 'add', '--new-password-file', passwordFile)).code).toBe(1);
    expect(readdirSync(join(folderOf('shop'), 'restic/keys'))).toEqual(before);
  });

  it('is told at once of a wrong password, a ticket that is over, and one of another namespace', async () => {
    const wrong = await at({ ...append, repositoryPassword: 'wrong' }, 'snapshots');
    expect([wrong.code, wrong.stderr]).toEqual([12, expect.stringContaining('wrong password')]);
    const short = await replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to('append'), 1, signal);
    await sleep(1100);
    const late = await at(short, 'snapshots');
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('unexpected HTTP response (401)')]);
    const other = await replica.repositories.access({ storeName: 'default', namespace: 'other' }, to('append'), hour, signal);
    const astray = await at({ ...other, path: append.path }, 'snapshots');
    expect([astray.code, astray.stderr]).toEqual([1, expect.stringContaining('unexpected HTTP response (403)')]);
  });

  it('goes on after one that was killed and has left its lock', async () => {
    const locks = join(folderOf('shop'), 'restic/locks');
    const killed = restic.start(replica.port, append, ['backup', '--stdin-from-command', '--', 'sleep', '10']);
    await eventually(async () => existsSync(locks) && readdirSync(locks).length === 1);
    await killed.stop('SIGKILL');
    expect(readdirSync(locks)).toHaveLength(1);
    const { files_unmodified } = await backUp();
    expect(files_unmodified).toBeGreaterThan(3);
    expect(readdirSync(locks)).toHaveLength(1);
    expect((await at(append, 'unlock')).code).toBe(0);
    expect(existsSync(locks) ? readdirSync(locks) : []).toEqual([]);
  });

  describe('that is pruned', () => {
    const data = join(temporaryFolder(), 'data');
    const packs = () =>
      readdirSync(join(folderOf('pruned'), 'restic/data'), { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 60);
    const locks = () => {
      const folder = join(folderOf('pruned'), 'restic/locks');
      return existsSync(folder) ? readdirSync(folder) : [];
    };
    let prune: Access;
    let writer: Access;

    beforeAll(async () => {
      mkdirSync(data);
      prune = await replica.repositories.access({ storeName: 'default', namespace: 'pruned' }, to('prune'), hour, signal);
      writer = await replica.repositories.access({ storeName: 'default', namespace: 'pruned' }, to('append'), hour, signal);
    });

    /** After a check that reads this share of the packs. */
    const prunes = (port = replica.port, share = '1/1') => restic.mover(port, prune, ['prune', share]);
    /** Of 40 MiB that nobody has had before, in the place of those that were there. */
    const backUpNew = async () => {
      writeFileSync(join(data, 'file'), randomBytes(40 * MiB));
      return summaryOf(await at(writer, 'backup', '--json', data)).snapshot_id;
    };
    const expectWhole = async () => {
      const check = await at(prune, 'check', '--read-data');
      expect([check.code, check.stdout], check.stderr).toEqual([0, expect.stringContaining('no errors were found')]);
    };

    it('frees what was forgotten and nothing else, and says so', async () => {
      const first = await backUpNew();
      const second = await backUpNew();
      const before = packs().length;
      await replica.repositories.forget({ storeName: 'default', namespace: 'pruned' }, first, signal);
      const pruned = await prunes();
      expect(pruned.code, pruned.stderr + pruned.stdout).toBe(0);
      expect(freedIn(pruned.stdout)).toMatch(/blobs \/ (39|4\d)\.\d+ MiB/);
      expect(packs().length).toBeLessThan(before);
      await expectWhole();
      const restored = temporaryFolder();
      expect((await at(prune, 'restore', `${second}:${data}`, '--target', restored)).code).toBe(0);
      expect(treeOf(restored)).toEqual(treeOf(data));
      expect(locks()).toEqual([]);
    });

    it('is not pruned by a ticket to append, and nothing is forgotten or saved as a snapshot by one to prune', async () => {
      const id = await backUpNew();
      await replica.repositories.forget({ storeName: 'default', namespace: 'pruned' }, id, signal);
      const before = packs();
      expect((await at(writer, 'prune')).code).not.toBe(0);
      expect(packs()).toEqual(before);
      const left = await backUpNew();
      await at(prune, 'forget', left);
      expect((await at(prune, 'snapshots', '--json')).stdout).toContain(left);
      expect((await at(prune, 'backup', data)).code).not.toBe(0);
      expect((await at(prune, 'key', 'add', '--new-password-file', join(folderOf('pruned'), 'secrets.json'))).code).not.toBe(0);
      expect((await prunes()).code).toBe(0);
      await expectWhole();
    });

    it('is not pruned beside a backup, which goes on', async () => {
      const running = restic.start(replica.port, writer, ['backup', '--json', '--stdin-from-command', '--', 'sleep', '15']);
      await eventually(async () => locks().length === 1);
      expect(await prunes()).toMatchObject({ code: 11 });
      expect(running.ended).toBe(false);
      await running.waitFor(/"message_type":"summary"/);
      await eventually(async () => running.ended);
      await expectWhole();
    });

    /** Something to prune, and a replica at which a prune stops in the middle until `goOn`. */
    const heldUp = async () => {
      await replica.repositories.forget({ storeName: 'default', namespace: 'pruned' }, await backUpNew(), signal);
      const gate = Promise.withResolvers<void>();
      let isHeld = false;
      const slow: ReplicaOptions['wrap'] = (serve) => async (request, signal) => {
        if (request.method === 'DELETE' && request.url.includes('/index/')) {
          isHeld = true;
          await gate.promise;
        }
        return serve(request, signal);
      };
      const { port, close } = await startReplica(pathToFileURL(files).href, { wrap: slow });
      return { port, close, goOn: () => gate.resolve(), isInTheMiddle: () => eventually(async () => isHeld) };
    };

    it('has a backup wait until it is pruned', async () => {
      const other = await heldUp();
      try {
        const pruning = prunes(other.port);
        await other.isInTheMiddle();
        const refused = await at(writer, 'backup', data);
        expect(refused.code).toBe(11);
        const waiting = restic.start(replica.port, writer, ['backup', '--retry-lock=1m', data]);
        await waiting.waitFor(/already locked, waiting/);
        other.goOn();
        expect((await pruning).code).toBe(0);
        await eventually(async () => waiting.ended);
        expect(waiting.child.exitCode, waiting.output()).toBe(0);
        await expectWhole();
      } finally {
        other.goOn();
        await other.close();
      }
    });

    it('is written to after a prune that was killed in the middle', async () => {
      const other = await heldUp();
      try {
        const killed = restic.start(other.port, prune, ['prune']);
        await other.isInTheMiddle();
        await killed.stop('SIGKILL');
        expect(locks()).toHaveLength(1);
        summaryOf(await restic.mover(replica.port, writer, ['backup', 'claim']));
        expect(locks()).toEqual([]);
        await expectWhole();
      } finally {
        other.goOn();
        await other.close();
      }
    });

    it('is pruned after a backup that was killed and has left its lock', async () => {
      const killed = restic.start(replica.port, writer, ['backup', '--stdin-from-command', '--', 'sleep', '10']);
      await eventually(async () => locks().length === 1);
      await killed.stop('SIGKILL');
      expect(locks()).toHaveLength(1);
      expect(await prunes()).toMatchObject({ code: 0 });
      expect(locks()).toEqual([]);
    });

    it('is told to be damaged where a pack is missing', async () => {
      await backUpNew();
      const [pack = ''] = packs();
      const bytes = readFileSync(join(folderOf('pruned'), 'restic/data', pack));
      rmSync(join(folderOf('pruned'), 'restic/data', pack));
      const pruned = await prunes();
      const log = pruned.stdout + pruned.stderr;
      expect([pruned.code, isDamagedIn(log)], log).toEqual([1, true]);
      expect(faultIn(log)).toContain(pack.slice(3));
      writeFileSync(join(folderOf('pruned'), 'restic/data', pack), bytes);
      expect((await prunes()).code).toBe(0);
    });

    it('is told to be damaged by the check that reads the pack in which a byte is another one, and then not pruned', async () => {
      await replica.repositories.forget({ storeName: 'default', namespace: 'pruned' }, await backUpNew(), signal);
      const pathOf = (pack: string) => join(folderOf('pruned'), 'restic/data', pack);
      // The largest one holds what was in files: what is wrong with trees is told without reading a share of the packs.
      const [pack = ''] = packs().toSorted((one, other) => statSync(pathOf(other)).size - statSync(pathOf(one)).size);
      const file = pathOf(pack);
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.with(bytes.length >> 1, (bytes.at(bytes.length >> 1) ?? 0) ^ 1));
      const share = Number.parseInt(basename(pack).slice(0, 2), 16) % 30;
      const before = packs();
      const pruned = await prunes(replica.port, `${share + 1}/30`);
      const log = pruned.stdout + pruned.stderr;
      expect([pruned.code, isDamagedIn(log)], log).toEqual([1, true]);
      expect(faultIn(log)).toContain(basename(pack).slice(0, 8));
      expect(packs()).toEqual(before);
      writeFileSync(file, bytes);
      expect((await prunes(replica.port, `${share + 1}/30`)).code).toBe(0);
      expect(packs().length).toBeLessThan(before.length);
    });

    it.each([
      [
        'damaged',
        (file: string, bytes: Buffer) => writeFileSync(file, bytes.with(bytes.length >> 1, (bytes.at(bytes.length >> 1) ?? 0) ^ 1)),
      ],
      ['missing', (file: string) => rmSync(file)],
    ])('gives back what is in no pack that is %s, and tells of the rest that it is damaged', async (_, damage) => {
      writeFileSync(join(data, 'before'), 'is in another pack');
      await backUpNew();
      const old = packs();
      await backUpNew();
      const pathOf = (pack: string) => join(folderOf('pruned'), 'restic/data', pack);
      const added = packs().filter((pack) => !old.includes(pack));
      const [pack = ''] = added.toSorted((one, other) => statSync(pathOf(other)).size - statSync(pathOf(one)).size);
      const bytes = readFileSync(pathOf(pack));
      damage(pathOf(pack), bytes);
      const target = temporaryFolder();
      const restored = await at(prune, 'restore', 'latest', '--json', '--target', target);
      writeFileSync(pathOf(pack), bytes);
      const log = restored.stdout + restored.stderr;
      expect([restored.code, isDamagedIn(log)], log).toEqual([1, true]);
      expect(faultIn(log)).toContain(`${join(data, 'file')}: `);
      expect(readFileSync(join(target, data, 'before'), 'utf8')).toBe('is in another pack');
      expect(await at(prune, 'restore', 'latest', '--target', temporaryFolder())).toMatchObject({ code: 0 });
    });
  });

  it('is one repository for two that begin at the same moment, at two replicas', async () => {
    const other = await startReplica(pathToFileURL(files).href);
    try {
      const results = await Promise.all(
        [replica, other].map(async ({ port, repositories }) => {
          const access = await repositories.access({ storeName: 'default', namespace: 'new' }, to('append'), hour, signal);
          return restic.at(port, access, ['backup', '--json', '--host', String(port), tree]);
        }),
      );
      for (const result of results) summaryOf(result);
      const access = await other.repositories.access({ storeName: 'default', namespace: 'new' }, to('read'), hour, signal);
      const check = await restic.at(other.port, access, ['check', '--read-data']);
      expect(check.code, check.stderr).toBe(0);
      expect(JSON.parse((await restic.at(other.port, access, ['snapshots', '--json'])).stdout)).toHaveLength(2);
    } finally {
      await other.close();
    }
  });

  it('opens the files of the store without Kylon, in an emergency', async () => {
    const secrets = JSON.parse(readFileSync(join(folderOf('shop'), 'secrets.json'), 'utf8')) as { repositoryPassword: string };
    const restored = temporaryFolder();
    const args = ['--no-lock', 'restore', `latest:${tree}`, '--target', restored];
    const result = await restic.onFiles(join(folderOf('shop'), 'restic'), secrets.repositoryPassword, args);
    expect(result.code, result.stderr).toBe(0);
    expect(treeOf(restored)).toEqual(treeOf(tree));
  });

  describe.each<StoreForKylon & { encryptionKeys?: string }>([...storesForKylon(), encryptedFiles()])(
    'in the store $name',
    ({ url, env, encryptionKeys }) => {
      it('saves again what it does not know to be saved, and gives it back', async () => {
        const lost = new Set<string>();
        const losing: ReplicaOptions['wrap'] = (serve) => async (request, signal) => {
          const answer = await serve(request, signal);
          if (request.method !== 'POST' || lost.has(request.url)) return answer;
          lost.add(request.url);
          return { status: 503, headers: { 'Content-Type': 'text/plain' }, body: 'the answer was lost' };
        };
        const one = await startReplica(url(), { env, ...(encryptionKeys && { encryptionKeys }), wrap: losing });
        try {
          const access = await one.repositories.access({ storeName: 'default', namespace: 'lossy' }, to('append'), hour, signal);
          summaryOf(await restic.at(one.port, access, ['backup', '--json', tree]));
          expect([...lost].map((path) => path.split('/').at(-2))).toEqual(expect.arrayContaining(['locks', 'data', 'index', 'snapshots']));
          const check = await restic.at(one.port, access, ['check', '--read-data']);
          expect(check.code, check.stderr).toBe(0);
          const restored = temporaryFolder();
          const result = await restic.at(one.port, access, ['restore', `latest:${tree}`, '--target', restored]);
          expect(result.code, result.stderr).toBe(0);
          expect(treeOf(restored)).toEqual(treeOf(tree));
        } finally {
          await one.close();
        }
      });
    },
  );
});

function encryptedFiles() {
  const folder = temporaryFolder();
  const encryptionKeys = join(folder, 'keys');
  writeFileSync(encryptionKeys, keyLine('one'), { mode: 0o600 });
  return { name: 'file, encrypted', url: () => pathToFileURL(join(folder, 'store')).href, env: {}, encryptionKeys };
}
