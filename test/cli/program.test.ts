import { describe, expect, it } from 'vitest';
import { scriptedCluster, status } from '../cluster/api-server.ts';
import type { Script, Scripted } from '../cluster/api-server.ts';
import { against, backup } from './scripted.ts';
import { kylon } from './test-shell.ts';

describe('an answer that is no', () => {
  it.each<[string, Scripted, string]>([
    [
      '404',
      status(404, 'NotFound', 'backups.backup.kylon.io "x" not found'),
      'Error from server (NotFound): backups.backup.kylon.io "x" not found',
    ],
    ['409', status(409, 'AlreadyExists', 'it already exists'), 'Error from server (AlreadyExists): it already exists'],
    ['401', status(401, 'Unauthorized', 'Unauthorized'), 'error: You must be logged in to the server (Unauthorized)'],
    ['500', status(500, '', 'broken'), 'Error from server: broken'],
    ['plain text', { status: 502, body: 'bad gateway' }, 'Error from server: bad gateway'],
    [
      'one fault',
      status(422, 'Invalid', 'long', { details: { kind: 'Backup', name: 'x', causes: [{ field: 'spec.ttl', message: 'Invalid value' }] } }),
      'The Backup "x" is invalid: spec.ttl: Invalid value',
    ],
    [
      'two faults',
      status(422, 'Invalid', 'long', {
        details: {
          kind: 'Backup',
          name: 'x',
          causes: [
            { field: 'a', message: 'b' },
            { field: 'c', message: 'd' },
          ],
        },
      }),
      'The Backup "x" is invalid: \n* a: b\n* c: d',
    ],
  ])('is told in the words of kubectl and ends with 5: %s', async (_, answer, words) => {
    const { code, stdout, stderr } = await against(() => answer, 'backup release x');
    expect({ code, stdout, stderr }).toEqual({ code: 5, stdout: '', stderr: `${words}\n` });
  });

  it('ends with 6 where none comes', async () => {
    const { kubeconfig } = await scriptedGone();
    expect(await kylon(['backup', 'get'], { kubeconfig })).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/^error: cannot read /),
    });
    const cut = await against((_, response) => void response.socket?.resetAndDestroy(), 'backup get');
    expect(cut).toMatchObject({ code: 6, stderr: expect.stringMatching(/^Unable to connect to the server: /) });
    const slow = await against(() => new Promise(() => {}), 'backup get --request-timeout 100ms');
    expect(slow).toMatchObject({ code: 6, stderr: expect.stringContaining('was not answered within 0.1 s') });
  });

  it.each<[string, string]>([
    ['backup get --nonsense', "kylon: unknown option '--nonsense'"],
    ['backup', 'Usage: kubectl kylon backup'],
    ['backup nonsense', "kylon: unknown command 'nonsense'"],
    ['backup logs', "kylon: missing required argument 'backup'".replace('backup', 'name')],
    ['backup get -o csv', 'error: unable to match a printer'],
    ['backup get a -A', 'error: a resource cannot be retrieved by name across all namespaces'],
    ['backup create', 'error: the backup needs a name'],
    ['backup create x -l a>1', 'error: --selector: '],
    ['backup create x --labels a', 'error: --labels: "a" is not of the form key=value'],
    ['backup create x -f /no/such/file', 'error: /no/such/file: it does not exist'],
    ['backup create x --include-cluster-resources=maybe', 'error: --include-cluster-resources: "maybe" is neither true nor false'],
    ['backup delete', 'error: what is to be deleted?'],
    ['backup delete x', 'error: nothing was deleted: give --confirm'],
    ['backup item x configmaps', 'error: "configmaps" does not name an object'],
    ['backup logs x --tail few', 'error: --tail: "few" is not a whole number'],
    ['restore create', 'error: --from-backup or --from-snapshot is needed'],
    ['snapshot create', 'error: --claim or --volume-snapshot is needed'],
    ['snapshot create x --claim data --timeout soon', 'error: --timeout: "soon" is not a duration'],
    ['restore create --from-backup x --existing-resource-policy Replace', "kylon: option '--existing-resource-policy"],
    ['backup get --as-group g', 'error: --as-group and --as-uid need --as'],
    ['backup get --request-timeout soon', 'error: --request-timeout: "soon" is not a duration'],
    ['backup create x --ttl 2d', 'error: --ttl: "2d" is not a duration of hours, minutes and seconds, such as 48h, 1h30m or 90s'],
    ['store check ftp://user:hush@x/y', 'error: <url>: unknown scheme ftp, known are file,'],
    ['store orphans nowhere', 'error: <url>: not a URL such as file:'],
    ['store accept-rollback s3://user:hush@x --domain playground', 'error: <url>: it holds a user name or password'],
    ['completion tcsh', "kylon: command-argument value 'tcsh' is invalid"],
  ])('ends with 2 where it was not understood: %s', async (line, words) => {
    const { code, stderr, received } = await against(() => ({ body: backup() }), line);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
    expect(received.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

/** A kubeconfig that is gone. */
async function scriptedGone() {
  await using server = await scriptedCluster(() => ({}));
  return { kubeconfig: server.kubeconfig };
}

it('names the flags for the connection in its help', async () => {
  const { code, stdout } = await kylon(['--help']);
  expect(code).toBe(0);
  for (const flag of ['-n, --namespace <name>', '--kubeconfig <file>', '--context <name>', '--as <user>', '--request-timeout <duration>'])
    expect(stdout).toContain(`  ${flag} `);
});

describe('create', () => {
  it('sends what the flags say, as kubectl would', async () => {
    const flags = [
      '--include-namespaces a,b --include-namespaces c --exclude-resources secrets --include-cluster-resources --snapshot-volumes --store-name archive --ttl 1h',
      '-l app=web --labels team=shop --annotations note=1 -n shop --dry-run=server --as alice --as-group g',
    ].join(' ');
    const { code, stdout, received } = await against(({ body }) => ({ status: 201, body }), `backup create x ${flags}`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'backup.backup.kylon.io/x created (server dry run)\n' });
    const [sent] = received;
    expect(sent?.path).toBe('/apis/backup.kylon.io/v1alpha1/namespaces/shop/backups');
    expect(Object.fromEntries(sent?.query ?? [])).toEqual({ dryRun: 'All', fieldManager: 'kubectl-kylon', fieldValidation: 'Strict' });
    expect(sent?.headers).toMatchObject({ 'impersonate-user': ['alice'], 'impersonate-group': ['g'], 'user-agent': ['kubectl-kylon'] });
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Backup',
      metadata: { name: 'x', namespace: 'shop', labels: { team: 'shop' }, annotations: { note: '1' } },
      spec: {
        includedNamespaces: ['a', 'b', 'c'],
        excludedResources: ['secrets'],
        includeClusterResources: true,
        labelSelector: { matchLabels: { app: 'web' } },
        snapshotVolumes: true,
        storeName: 'archive',
        ttl: '1h',
      },
    });
  });

  it('adds flags to a manifest, and sends nothing with --dry-run=client', async () => {
    const stdin =
      'apiVersion: backup.kylon.io/v1alpha1\nkind: Restore\nmetadata: {name: r, labels: {a: b}}\nspec: {backupName: x, dryRun: true}\n';
    const flags = '--namespace-mappings a:b,c:d --storage-class-mappings fast:slow --item deployments.apps/shop/web --item namespaces/shop';
    const { stdout, received } = await against(() => ({}), `restore create -f - ${flags} --labels c=d --dry-run=client -o json`, { stdin });
    expect(received).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({
      metadata: { name: 'r', namespace: 'default', labels: { a: 'b', c: 'd' } },
      spec: {
        backupName: 'x',
        dryRun: true,
        namespaceMapping: { a: 'b', c: 'd' },
        storageClassMapping: { fast: 'slow' },
        items: [
          { group: 'apps', resource: 'deployments', namespace: 'shop', name: 'web' },
          { group: '', resource: 'namespaces', name: 'shop' },
        ],
      },
    });
  });

  it.each([
    ['kind: Backup', 'it holds a Backup of no apiVersion, not a Restore of backup.kylon.io'],
    ['[1]', 'it is no manifest'],
    ['a: [', '-: '],
    ['{"a": }', '-: '],
    [
      'apiVersion: backup.kylon.io/v1alpha1\nkind: Restore\nmetadata: {name: other}\nspec: {backupName: b}',
      'the manifest is of "other", not of "r"',
    ],
    [
      'apiVersion: backup.kylon.io/v1alpha1\nkind: Restore\nmetadata: {namespace: other}\nspec: {backupName: b}',
      'is not that of --namespace',
    ],
  ])('refuses a manifest that cannot be meant: %j', async (stdin, words) => {
    const { code, stderr } = await against(() => ({}), 'restore create r -f - -n default', { stdin });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(words) });
  });

  it('takes a snapshot of a claim, named after it where it has no name', async () => {
    const flags =
      '--claim data --volume-snapshot-class fast --ttl 48h --timeout 5m --labels team=shop --throttle-upload 10Mi --store-name archive';
    const { stdout, received } = await against(({ body }) => ({ status: 201, body }), `snapshot create ${flags}`);
    expect(received[0]?.path).toBe('/apis/backup.kylon.io/v1alpha1/namespaces/default/snapshots');
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      kind: 'Snapshot',
      metadata: { generateName: 'data-', labels: { team: 'shop' } },
      spec: {
        source: { persistentVolumeClaimName: 'data' },
        volumeSnapshotClassName: 'fast',
        ttl: '48h',
        timeout: '5m',
        throttle: { upload: '10Mi' },
        storeName: 'archive',
      },
    });
    expect(stdout).toBe('snapshot.backup.kylon.io/data- created\n');
  });

  it('makes a claim of a snapshot', async () => {
    const flags = '--claim copy --claim-size 20Gi --claim-storage-class fast --claim-access-modes ReadWriteOnce,ReadOnlyMany';
    const { received } = await against(({ body }) => ({ status: 201, body }), `restore create --from-snapshot first ${flags}`);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      kind: 'Restore',
      metadata: { generateName: 'first-' },
      spec: {
        snapshotName: 'first',
        claim: { name: 'copy', size: '20Gi', storageClassName: 'fast', accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] },
      },
    });
  });

  it('makes a claim of a snapshot of another namespace', async () => {
    const { received } = await against(
      ({ body }) => ({ status: 201, body }),
      'restore create --from-snapshot first --snapshot-namespace shop',
    );
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ spec: { snapshotName: 'first', snapshotNamespace: 'shop' } });
  });

  it('puts a file of a snapshot into a claim, by the path that is printed', async () => {
    const flags =
      '--path /conf/app.yaml --target-directory old/conf --claim data --existing-resource-policy Update --throttle-download 1Gi';
    const { received } = await against(({ body }) => ({ status: 201, body }), `restore create --from-snapshot first ${flags}`);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      spec: {
        snapshotName: 'first',
        claim: { name: 'data' },
        files: { path: 'conf/app.yaml', targetDirectory: 'old/conf' },
        existingResourcePolicy: 'Update',
        throttle: { download: '1Gi' },
      },
    });
  });

  it('names a restore after its backup, and tells what the server warns of', async () => {
    const answer: Script = ({ body }) => ({
      status: 201,
      headers: { Warning: '299 - "one, \\"quoted\\"", 299 - "two"' },
      body: { ...(JSON.parse(body) as object), metadata: { name: 'x-abcde' } },
    });
    const { stdout, stderr, received } = await against(answer, 'restore create --from-backup x');
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ metadata: { generateName: 'x-' }, spec: { backupName: 'x' } });
    expect({ stdout, stderr }).toEqual({
      stdout: 'restore.backup.kylon.io/x-abcde created\n',
      stderr: 'Warning: one, "quoted"\nWarning: two\n',
    });
  });
});
