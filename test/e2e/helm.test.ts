/** A44: charts with a Backup in them, by Helm 3 and Helm 4 as they are built from their modules. The chart is test/clients/helm/chart. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { acceptanceBed, kubeconfig } from './acceptance.ts';
import { repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, coldBuild, findClusterForGo } from './go.ts';
import { backups } from './objects.ts';
import { run } from './process.ts';

const { title, options } = suite('Helm', findClusterForGo());
const chart = join(repository, 'test/clients/helm/chart');

/** Helm 4 applies server-side where it is not told otherwise, which Kylon does not do yet. */
const versions = [
  { version: '3', package: 'helm.sh/helm/v3/cmd/helm', flags: [] },
  { version: '4', package: 'helm.sh/helm/v4/cmd/helm', flags: ['--server-side=false'] },
];

describe(title, options, () => {
  const ns = 'kylon-e2e-helm';
  const { kubectl, inNs } = acceptanceBed(ns);

  describe.each(versions)('Helm $version', ({ version, package: source, flags }) => {
    const release = `shop-${version}`;
    let program: string;
    beforeAll(async () => {
      program = await buildGo('helm', { package: source });
    }, coldBuild);

    const home = temporaryFolder();
    const env = { KUBECONFIG: kubeconfig, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
    const helm = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(program, inNs(...args, '--timeout=30s'), { env });
      expect(code, `helm ${args.join(' ')}\n${stderr}${stdout}`).toBe(0);
      return stdout;
    };
    const found = () => kubectl.list(backups, '-n', ns, '-l', 'app.kubernetes.io/managed-by=Helm');
    const one = async () => {
      const all = await found();
      expect(all).toHaveLength(1);
      return { ttl: all[0]?.spec?.['ttl'], phase: all[0]?.status?.['phase'], resourceVersion: all[0]?.metadata.resourceVersion };
    };

    it('A44 tries an installation on the server, and leaves nothing', async () => {
      expect(await helm('install', release, chart, '--dry-run=server', ...flags)).toContain('kind: Backup');
      expect(await found()).toEqual([]);
    });

    it('A44 installs', async () => {
      expect(await helm('install', release, chart, '--wait', ...flags)).toContain('STATUS: deployed');
      expect(await one()).toMatchObject({ ttl: '1h' });
      await kubectl.run(inNs('wait', '--for=condition=Complete', `${backups}/${release}`));
    });

    it('A44 upgrades, and waits until the change is seen', async () => {
      expect(await helm('upgrade', release, chart, '--wait', '--set', 'ttl=2h', ...flags)).toContain('STATUS: deployed');
      expect(await one()).toMatchObject({ ttl: '2h', phase: 'Completed' });
      await kubectl.run(inNs('wait', '--for=condition=Complete', '--timeout=5s', `${backups}/${release}`));
    });

    it('A44 upgrades without a change, and on trial, and changes nothing', async () => {
      const before = await one();
      await helm('upgrade', release, chart, '--wait', '--set', 'ttl=2h', ...flags);
      expect(await one()).toEqual(before);
      expect(await helm('upgrade', release, chart, '--dry-run=server', '--set', 'ttl=3h', ...flags)).toContain('STATUS: pending-upgrade');
      expect(await one()).toEqual(before);
    });

    it('A44 rolls back', async () => {
      await helm('rollback', release, '1', '--wait', ...flags);
      expect(await one()).toMatchObject({ ttl: '1h' });
    });

    it('A44 uninstalls', async () => {
      expect(await helm('uninstall', release, '--wait')).toContain('uninstalled');
      expect(await found()).toEqual([]);
    });

    if (version !== '4') return;
    it('A44 waits until a Backup has ended, by its conditions, and tells why it failed', async () => {
      await helm('install', release, chart, '--wait', ...flags);
      expect(await one()).toMatchObject({ phase: 'Completed' });
      await helm('uninstall', release, '--wait');
      const failed = await run(program, inNs('install', release, chart, '--wait', '--set', 'timeout=1ms', ...flags), { env });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toMatch(/Backup\/\S+ not ready\. status: Failed, message: Timeout: it took longer than spec\.timeout/);
      await helm('uninstall', release, '--wait');
    });

    it('A44 says that it needs apply where it is not told otherwise', async () => {
      const refused = await run(program, inNs('install', release, chart), { env });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(
        'server-side apply not available on the server: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json',
      );
      await helm('uninstall', release, '--wait');
      expect(await found()).toEqual([]);
    });
  });
});
