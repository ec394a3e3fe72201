/** What users, and their administrators, do at the same time: whoever was first wins, and nobody is told that both have. */
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { backup, backups, configMap, ended, gone, namespace, path, restore, restores } from './objects.ts';
import { createAll } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { backUp, resultsOf } from './restoring.ts';

const cluster = findCluster();
const races = suite('what happens at once', cluster);

describe(races.title, races.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [home, target] = ['kylon-races', 'kylon-races-target'] as const;
  const store = join(temporaryFolder(), 'store');
  const maps = Array.from({ length: 400 }, (_, n) => `map-${String(n).padStart(3, '0')}`);
  const small = { includedResources: ['namespaces'] };
  let kylon: Kylon;
  let proxy: Proxy;

  beforeAll(async () => {
    await tidy();
    proxy = await Proxy.start(kubectl);
    await kubectl.run(['create', '-f', '-'], namespace(home));
    await createAll(
      proxy,
      maps.map((name) => configMap(home, name, { text: name.repeat(1_000) })),
    );
    kylon = await Kylon.beside(kubeconfigOf(cluster), { flags: ['--store', pathToFileURL(store).href] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await kylon?.stop();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', home, target, '--ignore-not-found']);
    await kubectl.try(['delete', 'clusterrole,clusterrolebinding', 'kylon-races-erin', '--ignore-not-found']);
  }

  const filesOf = (word: string) => {
    const [domain = ''] = readdirSync(join(store, 'd'));
    const entries = readdirSync(join(store, 'd', domain), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.parentPath.includes(`/${word}/`))
      .map(({ parentPath, name }) => join(parentPath, name));
  };

  it('two Restores into one namespace bring each object back once', async () => {
    await backUp(kubectl, home, 'b', { includedResources: ['configmaps'] });
    const spec = { namespaceMapping: { [home]: target } };
    await createAll(proxy, [restore(home, 'one', 'b', spec), restore(home, 'two', 'b', spec)]);
    const [one, two] = await Promise.all(['one', 'two'].map((name) => resultsOf(kubectl, home, name)));
    for (const name of maps) {
      const outcomes = [one, two].map((restored) => restored?.of('configmaps', name)?.outcome ?? '').toSorted();
      expect(outcomes[0], name).toBe('created');
      expect(outcomes[1], name).toMatch(/^(skipped|unchanged)$/);
    }
    for (const restored of [one, two])
      expect(restored?.object.status).toMatchObject({ phase: 'Completed', errors: 0, counts: { failed: 0 } });
    expect((await kubectl.list('configmaps', '-n', target)).filter(({ metadata }) => metadata.name.startsWith('map-'))).toHaveLength(
      maps.length,
    );
  });

  it('of a hold and a deletion one comes first, and the other is refused', async () => {
    const seen = { held: 0, deleted: 0 };
    for (let turn = 0; turn < 25; turn++) {
      const name = `race-${turn}`;
      await backUp(kubectl, home, name, small);
      const url = path(home, `backups/${name}`);
      const isHeldFirst = turn % 2 === 0;
      const after = (isLate: boolean) => sleep(isLate ? randomInt(6) : 0);
      const holding = after(!isHeldFirst).then(() => proxy.send('PUT', `${url}/hold`));
      const removing = after(isHeldFirst).then(() => proxy.send('DELETE', url));
      const [hold, removal] = await Promise.all([holding, removing]);
      const answers = `${hold.status} ${hold.text}; ${removal.status} ${removal.text}`;
      if (hold.status === 200) {
        expect(removal.status, answers).toBe(403);
        expect((await kubectl.get(backups, name, '-n', home)).metadata).not.toHaveProperty('deletionTimestamp');
        seen.held++;
      } else {
        expect([removal.status, [404, 409].includes(hold.status)], answers).toEqual([200, true]);
        await gone(kubectl, backups, name, '-n', home);
        seen.deleted++;
      }
    }
    expect(Math.min(seen.held, seen.deleted), JSON.stringify(seen)).toBeGreaterThan(0);
  }, 120_000);

  it('a Backup, or a Restore, that is deleted while it runs or ends is gone, with every file', async () => {
    const kept = filesOf('backups').length;
    const keptOfRestores = filesOf('restores').length;
    for (let turn = 0; turn < 25; turn++) {
      const object =
        turn % 2
          ? backup(home, `short-${turn}`, { includedResources: ['configmaps'] })
          : restore(home, `short-${turn}`, 'b', { dryRun: true });
      const resource = turn % 2 ? 'backups' : 'restores';
      await createAll(proxy, [object]);
      await sleep(randomInt(700));
      expect((await proxy.send('DELETE', path(home, `${resource}/short-${turn}`))).status).toBe(200);
    }
    await eventually(async () => !/short-/.test(await kubectl.run(['get', `${backups},${restores}`, '-n', home, '-o', 'name'])), 60_000);
    expect([filesOf('backups').length, filesOf('restores').length]).toEqual([kept, keptOfRestores]);
  }, 120_000);

  it('a Backup whose creator loses the rights in the middle ends as it was allowed to begin, and tells no more than he may see', async () => {
    const erin = kubectl.as('erin');
    const resources = 'backups.backup.kylon.io,backups.backup.kylon.io/*';
    await kubectl.run(['create', 'clusterrole', 'kylon-races-erin', '--verb=*', `--resource=${resources}`]);
    const give = () => kubectl.run(['create', 'rolebinding', 'erin', '--clusterrole=kylon-races-erin', '--user=erin', '-n', home]);
    await give();
    await eventually(async () => (await erin.try(['auth', 'can-i', 'create', backups, '-n', home])).code === 0);
    const blocked = Array.from({ length: 4 }, (_, n) => `erin-${n}`);
    await erin.run(
      ['create', '-f', '-'],
      blocked.map((name) => backup(home, name)),
    );
    await kubectl.run(['delete', 'rolebinding', 'erin', '-n', home]);
    for (const name of blocked) {
      const { status } = await ended(kubectl, backups, { namespace: home, name });
      expect(status?.['phase']).toMatch(/^(Completed|Failed)$/);
      if (status?.['phase'] === 'Failed') expect(status['failureReason']).toMatch(/^Forbidden: .*"erin" cannot create resource "backups"/);
      else expect(status).toMatchObject({ errors: 0, items: expect.any(Number) });
      await eventually(async () => /cannot get/.test((await erin.try(['get', '--raw', path(home, `backups/${name}/items`)])).stderr));
    }
    expect(await erin.fails(['create', '-f', '-'], backup(home, 'erin-late'))).toMatch(/"erin" cannot create/);
  });
});
