/** `kubectl kylon snapshot` on real volumes: the commands as somebody types them, one after the other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { namespace, snapshots } from './objects.ts';
import { pathWithPlugin } from './plugin-path.ts';
import { run } from './process.ts';
import { claim, Storage, volumeSnapshots, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const PATH = pathWithPlugin();
const storage = suite('the plugin and snapshots of volumes', cluster);

describe(storage.title, storage.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-snapshots-plugin';
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await kubectl.run(['exec', 'writer', '-n', place, '--', 'sh', '-c', 'echo hello > /data/greeting']);
    kylon = await Kylon.beside(kubeconfig, { data: temporaryFolder() });
  });
  afterAll(async () => {
    await kubectl.try(['delete', snapshots, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
  }

  const plugin = (line: string) => run('kubectl', ['kylon', ...line.split(' '), '-n', place], { env: { PATH, KUBECONFIG: kubeconfig } });

  it('takes one, shows it, makes a claim of it, and deletes it', async () => {
    const made = await plugin('snapshot create first --claim data --wait');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^snapshot\S+\/first created\nsnapshot\S+\/first Completed\n$/) });
    expect((await plugin('snapshot get first -o name')).stdout).toBe('snapshot.backup.kylon.io/first\n');
    expect((await plugin('snapshot describe first')).stdout).toMatch(/^  Normal +Completed +.* kylon /m);
    const restored = await plugin('restore create --from-snapshot first --claim copy --wait');
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/Completed\n$/) });
    expect(await volumes.read(place, 'copy', 'greeting')).toBe('hello\n');
    expect(await plugin('snapshot delete first --confirm --wait')).toMatchObject({ code: 0 });
    expect(await kubectl.list(volumeSnapshots, '-n', place)).toEqual([]);
  });

  it('ends with 4 where it failed, and says why and where to look', async () => {
    const failed = await plugin('snapshot create second --claim nowhere --wait');
    expect(failed).toMatchObject({ code: 4, stderr: expect.stringContaining('ClaimNotFound') });
    expect(failed.stderr).toContain(`snapshot describe -n ${place} second`);
    expect((await plugin('snapshot describe second')).stdout).not.toContain('<unknown>');
  });
});
