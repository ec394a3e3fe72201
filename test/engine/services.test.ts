/** What subresources are told: data, or why there is none. */
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../src/cluster/cluster.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import { backups } from '../../src/resources/backup.ts';
import { sampleCluster } from './sample-cluster.ts';
import { alice, createWorkbench, forever, logOf, whileRunning } from './workbench.ts';

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

const page = { limit: 100, continue: '', labelSelector: '' };

async function createBackup() {
  const bench = createWorkbench({ cluster: sampleCluster() });
  const backup = await whileRunning(bench.engine, () => bench.backUp('shop', 'b'));
  return { bench, backup, services: bench.engine.services, archive: bench.files.get(backup.status.archive?.key ?? '')! };
}

describe('services', () => {
  it('deliver the archive, whole and in ranges', async () => {
    const { services, backup, archive } = await createBackup();
    const whole = await services.archive(backup, undefined, forever);
    expect(whole).toMatchObject({ size: archive.length, sha256: backup.status.archive?.sha256 });
    expect(await bytesOf(whole.body)).toEqual(Buffer.from(archive));
    const part = await services.archive(backup, { start: 10, length: 7 }, forever);
    expect(part.size).toBe(archive.length);
    expect(await bytesOf(part.body)).toEqual(Buffer.from(archive.subarray(10, 17)));
    await expect(services.archive(backup, { start: archive.length }, forever)).rejects.toMatchObject({ code: 416 });
  });

  it('list items by each name of their resource, also where no cluster answers', async () => {
    const { bench, services, backup } = await createBackup();
    const namesOf = async (query: object) => (await services.items(backup, { ...page, ...query }, forever)).items.map(({ name }) => name);
    const names = ['configmaps', 'configmap', 'ConfigMap', 'cm'];
    for (const resource of names) expect([resource, await namesOf({ resource })]).toEqual([resource, ['settings']]);
    expect(await namesOf({ resource: 'cm', group: '' })).toEqual(['settings']);
    expect(await namesOf({ resource: 'cm', group: 'apps' })).toEqual([]);
    expect(await namesOf({ resource: 'c*' })).toEqual([]);
    Object.assign(bench.parts.cluster, { discover: () => Promise.reject(new ClusterError(0, '', 'no answer')) });
    expect(await namesOf({ resource: 'widget' })).toEqual(['gear']);
    expect(await namesOf({ resource: 'cm' })).toEqual([]);
  });

  it('tell why there is no data', async () => {
    const { services, backup } = await createBackup();
    const as = (change: Partial<KubeObject>): KubeObject => ({ ...backup, ...change });
    const cases: [KubeObject, object][] = [
      [as({ status: { phase: 'New' } }), { code: 409, reason: 'Conflict', message: expect.stringContaining('it is New;') }],
      [as({ status: { phase: 'InProgress' } }), { code: 409, message: expect.stringContaining('it is InProgress;') }],
      [as({ status: { phase: 'Failed', failureReason: 'Why: so' } }), { code: 404, message: expect.stringContaining('failed: Why: so') }],
      [as({ status: { ...backup.status, phase: 'Deleting' } }), { code: 410 }],
      [as({ metadata: { ...backup.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }), { code: 410 }],
    ];
    for (const [object, error] of cases) {
      await expect(services.items(object, page, forever)).rejects.toMatchObject(error);
      await expect(services.archive(object, undefined, forever)).rejects.toMatchObject(error);
      await expect(services.item(object, { group: '', resource: 'x', namespace: '', name: 'x' }, forever)).rejects.toMatchObject(error);
    }
  });

  it('name a file that is damaged or missing', async () => {
    const { bench, backup } = await createBackup();
    const folder = backup.status.archive?.key.replace('/archive.tar.gz', '') ?? '';
    bench.files.set(`${folder}/manifest.json`, Buffer.from('{'));
    await expect(bench.engine.services.items(backup, page, forever)).rejects.toMatchObject({
      code: 500,
      message: expect.stringContaining('manifest.json'),
    });
    bench.files.delete(`${folder}/manifest.json`);
    await expect(bench.engine.services.items(backup, page, forever)).rejects.toMatchObject({
      code: 500,
      message: expect.stringContaining('manifest.json'),
    });
  });

  it('look into no other backup, whatever a status says', async () => {
    const { services, backup } = await createBackup();
    const forged = { ...backup, metadata: { ...backup.metadata, uid: 'another' } };
    await expect(services.items(forged, page, forever)).rejects.toMatchObject({ code: 500 });
  });

  it('have a log at any time', async () => {
    const { bench, backup } = await createBackup();
    expect(await logOf(bench.engine, backup)).toMatch(/INFO 5 items, \d+ bytes, 0 warnings, 0 errors\n$/);
    expect(await logOf(bench.engine, { ...backup, status: { phase: 'New' } })).toBe('INFO it waits for its turn\n');
    const elsewhere = { phase: 'InProgress', run: { id: 'x', replica: 'kylon-7' } };
    expect(await logOf(bench.engine, { ...backup, status: elsewhere })).toBe(
      'INFO it is carried out by kylon-7, and nothing of its log has come here yet\n',
    );
  });

  it('page results, by outcome too', async () => {
    const { bench } = await createBackup();
    const restore = await whileRunning(bench.engine, () => bench.restore('shop', 'r', { backupName: 'b' }));
    const first = await bench.engine.services.results(restore, { limit: 3, continue: '' }, forever);
    const rest = await bench.engine.services.results(restore, { limit: 3, continue: first.continue }, forever);
    expect([first.items.length, rest.items.length, rest.continue]).toEqual([3, 2, '']);
    expect((await bench.engine.services.results(restore, { limit: 9, continue: '', outcome: 'created' }, forever)).items).toEqual([]);
  });

  it('name the replica that has the results of a Restore', async () => {
    const { bench } = await createBackup();
    const restore = await whileRunning(bench.engine, () => bench.restore('shop', 'r', { backupName: 'b' }));
    const ask = (status: object) => bench.engine.services.results({ ...restore, status }, { limit: 3, continue: '' }, forever);
    const elsewhere = ask({ phase: 'InProgress', run: { id: 'x', replica: 'kylon-7' } });
    await expect(elsewhere).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('the replica kylon-7 carries it out and has its results until it ends'),
    });
    await expect(ask({ phase: 'InProgress' })).rejects.toMatchObject({ code: 409, message: expect.stringContaining('it is InProgress') });
  });

  it('make a Restore as its creator', async () => {
    const { bench } = await createBackup();
    const restore = {
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Restore',
      metadata: { name: '', generateName: 'b-', namespace: 'shop' },
      spec: { backupName: 'b' },
    };
    const made = await bench.engine.services.createRestore(restore, alice, { dryRun: false }, forever);
    expect(made).toMatchObject({ metadata: { name: expect.stringMatching(/^b-/) }, status: { createdBy: { username: 'alice' } } });
    await bench.engine.services.createRestore(restore, alice, { dryRun: true }, forever);
    expect(await bench.parts.objects.list(bench.parts.restores, { namespace: 'shop' }, forever)).toHaveLength(1);
    expect(await bench.parts.objects.list(backups, { namespace: 'shop' }, forever)).toHaveLength(1);
  });
});
