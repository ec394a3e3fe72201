import { describe, expect, it } from 'vitest';
import { scriptedCluster } from '../cluster/api-server.ts';
import { kylon } from './test-shell.ts';

const names: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/namespaces': ['default', 'shop'],
  '/apis/backup.kylon.io/v1alpha1/namespaces/default/backups': ['nightly-1', 'nightly-2', 'release'],
  '/apis/backup.kylon.io/v1alpha1/namespaces/shop/backups': ['of-shop'],
  '/apis/backup.kylon.io/v1alpha1/namespaces/default/restores': ['undo'],
  '/apis/backup.kylon.io/v1alpha1/namespaces/default/snapshots': ['before'],
  '/apis/backup.kylon.io/v1alpha1/backupstores': ['archive', 'default'],
  '/api/v1/namespaces/default/persistentvolumeclaims': ['data'],
};

/** The candidates without their descriptions, and the last line. */
async function completed(...words: readonly string[]): Promise<string[]> {
  await using server = await scriptedCluster(({ path }) => ({
    body: { items: (names[path] ?? []).map((name) => ({ metadata: { name } })) },
  }));
  const { stdout, stderr, code } = await kylon(['__complete', ...words], { kubeconfig: server.kubeconfig, patient: true });
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('completion', () => {
  it('names commands, with their descriptions', async () => {
    expect(await completed('')).toEqual([
      'backup',
      'restore',
      'snapshot',
      'items',
      'diff',
      'logs',
      'download',
      'keys',
      'store',
      'completion',
      'help',
      ':4',
    ]);
    expect(await completed('re')).toEqual(['restore', ':4']);
    expect(await completed('backup', 'de')).toEqual(['describe', 'delete', ':4']);
    const { stdout } = await kylon(['__complete', 'backup', 'hold']);
    expect(stdout).toBe('hold\tKeep a backup from expiry and deletion.\n:4\n');
  });

  it('names what the API knows, in the namespace that the flags name', async () => {
    expect(await completed('backup', 'get', '')).toEqual(['nightly-1', 'nightly-2', 'release', ':4']);
    expect(await completed('backup', 'get', 'release', 'night')).toEqual(['nightly-1', 'nightly-2', ':4']);
    expect(await completed('backup', 'describe', '-n', 'shop', '')).toEqual(['of-shop', ':4']);
    expect(await completed('-n', 'shop', 'logs', '')).toEqual(['of-shop', ':4']);
    expect(await completed('restore', 'results', '--namespace=default', '')).toEqual(['undo', ':4']);
    expect(await completed('backup', 'get', '-n', 's')).toEqual(['shop', ':4']);
    expect(await completed('backup', 'get', '--namespace=s')).toEqual(['shop', ':4']);
    expect(await completed('restore', 'create', '--from-backup', 'r')).toEqual(['release', ':4']);
    expect(await completed('restore', 'create', '--from-snapshot', '')).toEqual(['before', ':4']);
    expect(await completed('snapshot', 'create', '--claim', 'd')).toEqual(['data', ':4']);
    expect(await completed('backup', 'create', 'x', '--store-name', 'a')).toEqual(['archive', ':4']);
    expect(await completed('logs', 'release', '')).toEqual([':4']);
  });

  it('takes the words of bash, which parts them at =', async () => {
    expect(await completed('backup', 'get', '--namespace', '=', 's')).toEqual(['shop', ':4']);
    expect(await completed('backup', 'get', '--namespace', '=')).toEqual(['default', 'shop', ':4']);
    expect(await completed('backup', 'get', '--namespace', '=', 'shop', '')).toEqual(['of-shop', ':4']);
  });

  it('names flags and their choices, and leaves files to the shell', async () => {
    expect(await completed('backup', 'create', '--exclude')).toEqual(['--exclude-namespaces', '--exclude-resources', ':4']);
    expect(await completed('restore', 'create', '--existing-resource-policy', 'R')).toEqual(['Recreate', ':4']);
    expect(await completed('completion', '')).toEqual(['bash', 'zsh', 'fish', ':4']);
    expect(await completed('backup', 'create', '-f', '')).toEqual([':0']);
  });

  it('names nothing where the cluster does not answer', async () => {
    expect(await kylon(['__complete', 'backup', 'get', ''])).toEqual({ code: 0, stdout: ':4\n', stderr: '' });
  });

  it.each(['bash', 'zsh', 'fish'])('teaches %s', async (shell) => {
    expect(await kylon(['completion', shell])).toMatchObject({ code: 0, stdout: expect.stringContaining('__complete') });
  });
});
