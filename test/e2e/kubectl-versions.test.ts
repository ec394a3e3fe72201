/** The way through a backup and a restore with every kubectl that this machine has, from the oldest that we support to the newest. */
import { describe, expect, it } from 'vitest';
import { acceptance, acceptanceBed, kubeconfig, small } from './acceptance.ts';
import { everyKubectl, Kubectl } from './kubectl.ts';
import { backup, backups, complete, restore, restores } from './objects.ts';

const versions = kubeconfig ? await everyKubectl(kubeconfig) : [];

describe(`${acceptance.title}: every kubectl`, acceptance.options, () => {
  const ns = 'kylon-e2e-versions';
  const { inNs } = acceptanceBed(ns);

  describe.each(versions)('with kubectl $version', ({ program, version }) => {
    const client = new Kubectl(kubeconfig, program);
    const name = `by-${version.replace('.', '-')}`;

    it('discovers, explains, applies, waits, restores and deletes', async () => {
      expect(await client.run(['api-resources', '--api-group=backup.kylon.io', '-o', 'name'])).toBe(
        `${backups}\nbackupstores.backup.kylon.io\n${restores}\nsnapshots.backup.kylon.io\n`,
      );
      expect(await client.run(['explain', 'backup.spec'])).toContain('includedNamespaces');
      expect(await client.run(['apply', '-f', '-'], backup(ns, name, small))).toBe(`backup.backup.kylon.io/${name} created\n`);
      await complete(client, backups, { namespace: ns, name });
      expect(await client.run(['apply', '-f', '-'], backup(ns, name, { ...small, ttl: '1h' }))).toContain('configured');
      expect(await client.run(inNs('get', 'bk', name))).toMatch(/Completed/);
      expect(await client.run(inNs('describe', 'backup', name))).toContain('Completed');
      await client.run(['create', '-f', '-'], restore(ns, name, name));
      await complete(client, restores, { namespace: ns, name });
      await client.run(inNs('delete', 'restore,backup', name, '--timeout=30s'));
    });
  });
});
