/** Volumes of a Backup that are restored into another namespace: what the claim says there, and who may have it. */
import { describe, expect, it } from 'vitest';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { impatientClock } from '../clocks.ts';
import { snapshotCluster } from '../snapshot/snapshot-cluster.ts';
import { createWorkbench, forever, resultsOf, whileRunning } from '../workbench.ts';

const claims = 'persistentvolumeclaims';
const claimsTo = (namespace: string) => ({ backupName: 'b', includedResources: [claims], namespaceMapping: { shop: namespace } });

async function scene() {
  const { cluster, makeReady } = snapshotCluster();
  const bench = createWorkbench({ cluster, clock: impatientClock });
  cluster.check = ({ verb, resource }) => {
    if (verb === 'create' && resource.startsWith('volumesnapshots')) setImmediate(makeReady);
  };
  await whileRunning(bench.engine, () => bench.backUp('shop', 'b', { snapshotVolumes: true }));
  const [taken] = await bench.parts.objects.list(snapshots, { namespace: 'shop' }, forever);
  const bring = (to: string) => whileRunning(bench.engine, () => bench.restore('shop', 'r', claimsTo(to)));
  return { ...bench, cluster, bring, snapshot: taken! };
}

describe('a claim with a saved volume', () => {
  it('names the Snapshot, and where it lies, with a proof that this was allowed', async () => {
    const { parts, cluster, bring, snapshot } = await scene();
    expect((await bring('copy')).status).toMatchObject({ phase: 'Completed', counts: { failed: 0 } });
    const { name, uid = '' } = snapshot.metadata;
    const claim = cluster.read(claims, 'copy', 'data');
    expect(claim?.metadata['annotations']).toMatchObject({ 'backup.kylon.io/snapshot-namespace': 'shop' });
    const { dataSource, dataSourceRef, volumeName } = claim!['spec'] as Record<string, unknown>;
    expect({ dataSource, dataSourceRef, volumeName }).toEqual({ dataSourceRef: { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name } });
    expect(await parts.proofs.proved(claim, uid, forever)).toBe(claim);
    const renamed = { ...claim!, metadata: { ...claim!.metadata, name: 'other' } };
    expect(await parts.proofs.proved(renamed, uid, forever)).toBeUndefined();
  });

  it('is refused to whoever may not restore the Snapshot where it lies', async () => {
    const { engine, cluster, denied, bring } = await scene();
    denied.add('snapshots/restore shop');
    const { status, ...object } = await bring('copy');
    expect(status).toMatchObject({ phase: 'PartiallyFailed', counts: { created: 1, failed: 1 } });
    expect(await resultsOf(engine, { ...object, status })).toContainEqual(
      expect.stringMatching(
        /^persistentvolumeclaims copy\/data failed: .*User "alice" cannot create resource "snapshots\/restore" in API group "backup.kylon.io" in the namespace "shop"/,
      ),
    );
    expect(cluster.read(claims, 'copy', 'data')).toBeUndefined();
  });

  it('is of its own namespace again where it comes back there', async () => {
    const { cluster, engine, ...bench } = await scene();
    const live = cluster.read(claims, 'shop', 'data')!;
    const annotations = { 'backup.kylon.io/snapshot-namespace': 'elsewhere', team: 'a' };
    cluster.seed(claims, { ...live, metadata: { ...live.metadata, annotations } });
    await whileRunning(engine, async () => {
      await bench.backUp('shop', 'again', { snapshotVolumes: true });
      cluster.drop(claims, 'shop', 'data');
      await bench.restore('shop', 'back', { backupName: 'again', includedResources: [claims] });
    });
    expect(cluster.read(claims, 'shop', 'data')?.metadata['annotations']).toEqual({ team: 'a' });
  });
});
