/** Namespaces full of objects are deleted, with Kylon up, slow, without its store, and gone; and their Backups outlive them. */
import { describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { allGone, beginDelete, fill, harmBed, harmed, isCurrent, left, numbered, obstacles, ownedBy, small } from './harm.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName } from './kylon.ts';
import { backup, backups, complete, configMap, ended, gone, path, restore, restores } from './objects.ts';
import { eventually } from './process.ts';

const cluster = findCluster();
const harm = suite('the deletion of namespaces', cluster);
/** Seconds, for a hundred of them. */
const fast = 150;

describe(harm.title, harm.options, () => {
  const ns = 'kylon-e2e-harm';
  const bed = harmBed(kubeconfigOf(cluster), [ns]);
  const { kubectl, create, send } = bed;
  const availability = async () => (await kubectl.get('apiservice', apiServiceName)).status?.['conditions'];

  describe('of a hundred with 700 objects', () => {
    it('is fast with Kylon up, and takes the Restores but not the Backups', async () => {
      const names = numbered('kylon-e2e-up', 100);
      await fill(bed, names);
      await beginDelete(bed, names);
      expect(await allGone(bed, names)).toBeLessThan(fast);
      const of = async (resource: string) =>
        (await kubectl.list(resource, '-A')).filter(({ metadata }) => names.includes(String(metadata.namespace)));
      expect(await of(restores)).toEqual([]);
      expect(await of(backups)).toHaveLength(100);
    });

    it('is fast with Kylon slow, which stays available', async () => {
      const names = numbered('kylon-e2e-slow', 100);
      await fill(bed, names);
      await bed.whileSlow(500, async () => {
        const before = await availability();
        await beginDelete(bed, names);
        expect(await allGone(bed, names)).toBeLessThan(fast);
        expect(await availability()).toEqual(before);
      });
    });

    it('A30 waits for the store, nothing is taken for empty meanwhile, and goes on when it is back', async () => {
      const names = numbered('kylon-e2e-store', 100);
      await fill(bed, names);
      await bed.whileWithoutStore(async () => {
        await create(ownedBy(unknownBackup, configMap(ns, 'stray')));
        await beginDelete(bed, names);
        const { status, headers } = await send('GET', path(ns, 'backups'));
        expect([status, headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[0-9]+$/)]);
        expect(await kubectl.fails(['get', backups, '-n', ns])).toMatch(
          /^Error from server \(ServiceUnavailable\): the store is not available/,
        );
        expect(await isCurrent(bed)).toBe(true);
        expect(await left(bed, names)).toHaveLength(100);
        await kubectl.get('configmap', 'stray', '-n', ns);
      });
      expect(await allGone(bed, names)).toBeLessThan(fast);
      await gone(kubectl, 'configmap', 'stray', '-n', ns);
    });

    it('is fast with Kylon ended, which has taken its registration away', async () => {
      const names = numbered('kylon-e2e-ended', 100);
      await fill(bed, names);
      await bed.whileStopped(async () => {
        await beginDelete(bed, names);
        expect(await allGone(bed, names)).toBeLessThan(fast);
      });
    });
  });

  describe('keeps Backups', () => {
    const home = 'kylon-e2e-keep';
    const hold = 'kylon-e2e.example.test/hold';
    const inHome = (...args: string[]) => [...args, '-n', home];
    const namesOf = async () => (await kubectl.list(...inHome(backups))).map(({ metadata }) => metadata.name);
    const letGo = (name: string) =>
      kubectl.run(inHome('patch', backups, name, '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]'));

    function marked(name: string, metadata: object): KubeObject {
      const made = backup(home, name, small);
      return { ...made, metadata: { ...made.metadata, ...metadata } };
    }
    const fleeting = { annotations: { 'backup.kylon.io/outlives-namespace': 'false' } };

    it('that are done, running, and held: all are there again when it is made again', async () => {
      await create(harmed(home), configMap(home, 'one'), backup(home, 'done', small), marked('held', { finalizers: [hold] }));
      const done = await complete(kubectl, backups, { namespace: home, name: 'done' });
      await complete(kubectl, backups, { namespace: home, name: 'held' });
      await kubectl.run(inHome('delete', backups, 'held', '--wait=false'));
      const running = numbered('running', 30);
      await bed.createAll(running.map((name) => backup(home, name)));
      const whole = await kubectl.list(...inHome(backups));
      expect(whole.some(({ status }) => status?.['phase'] === 'New')).toBe(true);
      await kubectl.run(['delete', 'namespace', home, '--timeout=60s']);

      expect(await namesOf()).toEqual(['done', 'held', ...running].toSorted());
      expect(await kubectl.get(...inHome(backups, 'done'))).toEqual(done);
      for (const name of running) await ended(kubectl, backups, { namespace: home, name });
      await kubectl.run(['create', '-f', '-'], harmed(home));
      expect(await namesOf()).toEqual(['done', 'held', ...running].toSorted());
      await create(restore(home, 'back', 'done'));
      await complete(kubectl, restores, { namespace: home, name: 'back' });
      await kubectl.get(...inHome('configmap', 'one'));
      await letGo('held');
      await gone(kubectl, ...inHome(backups, 'held'));
    });

    it('but for those whose annotation says that they go with it; it waits for them', async () => {
      await create(marked('fleeting', fleeting), marked('fleeting-held', { ...fleeting, finalizers: [hold] }));
      await complete(kubectl, backups, { namespace: home, name: 'fleeting' });
      await kubectl.run(['delete', 'namespace', home, '--wait=false']);
      await gone(kubectl, ...inHome(backups, 'fleeting'));
      const why = await eventually(async () => (await obstacles(kubectl, home))['NamespaceFinalizersRemaining']);
      expect(why).toContain(`${hold} in 1 resource instances`);
      await letGo('fleeting-held');
      await kubectl.run(['wait', '--for=delete', `namespace/${home}`, '--timeout=60s']);
      expect((await namesOf()).filter((name) => name.startsWith('fleeting'))).toEqual([]);
      expect(await namesOf()).toContain('done');
    });

    it('that somebody deletes all at once are deleted', async () => {
      expect(await namesOf()).toContain('done');
      expect((await send('DELETE', path(home, 'backups'))).status).toBe(200);
      await eventually(async () => (await namesOf()).length === 0);
    });
  });
});

/** Of none that there is or was. */
const unknownBackup = { ...backup('', 'unknown'), metadata: { name: 'unknown', uid: '00000000-0000-4000-8000-000000000000' } };
