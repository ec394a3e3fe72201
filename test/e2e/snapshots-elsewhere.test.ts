/** Volumes, and files of them, restored into another namespace than that of their Snapshots: by a driver, out of a repository, and by tar. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, withMovers } from './mover-image.ts';
import { backup, backups, complete, ended, namespace, restore, restoreOfSnapshot, restores, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { bringBack } from './restoring.ts';
import { claim, deviceReader, restrictedWriter, Storage, volumeSnapshotContents, volumeSnapshots, writer } from './volumes.ts';

const cluster = withMovers(findCluster());
const elsewhere = suite('volumes restored into another namespace', cluster);

describe(elsewhere.title, elsewhere.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-from';
  const targets = ['kylon-to', 'kylon-to-as-user', 'kylon-to-killed', 'kylon-to-alone'] as const;
  const confined = 'kylon-to-restricted';
  const [to, asUser, whileKilled, alone] = targets;
  const userRoles = join(repository, 'manifests/user-roles.yaml');
  const data = temporaryFolder();
  const names = ['csi', 'moved', 'copied'] as const;
  /** Those, and one of blocks. */
  const all = names.length + 1;
  let kylon: Kylon;
  let flags: readonly string[];
  /** SHA-256 of the volume of blocks. */
  let blocks: string;

  beforeAll(async () => {
    await tidy();
    flags = await moverFlags(kubectl);
    await kubectl.run(['apply', '-f', userRoles]);
    await kubectl.run(
      ['create', '-f', '-'],
      [place, ...targets].map((name) => namespace(name)),
    );
    const how = { csi: 'CSI', moved: 'Move', copied: 'Copy' };
    for (const name of names) {
      const annotations = { 'backup.kylon.io/volume': how[name] };
      await kubectl.run(['create', '-f', '-'], [claim(place, name, {}, { annotations }), writer(place, name, name)]);
    }
    await kubectl.run(['wait', '--for=condition=Ready', 'pod', '--all', '-n', place, '--timeout=120s']);
    for (const name of names) await write(name, `hello of ${name}`);
    await inPod(oddFiles, 'moved', place);
    await volumes.adorn(place, 'moved', 'conf/deep/two');
    const moved = { 'backup.kylon.io/volume': 'Move' };
    await kubectl.run(['create', '-f', '-'], claim(place, 'blocks', { volumeMode: 'Block', ...sized(64) }, { annotations: moved }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/blocks', '-n', place, '--timeout=60s']);
    blocks = await volumes.fillBlock(place, 'blocks');
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    const onlyClaims = { includedResources: ['persistentvolumeclaims'] };
    await kubectl.run(['create', '-f', '-'], backup(place, 'all', { ...onlyClaims, volumes: { rules: [{ action: 'CSI' }] } }));
    const { status } = await complete(kubectl, backups, { namespace: place, name: 'all' });
    expect(status).toMatchObject({ phase: 'Completed', errors: 0 });
    for (const name of names) await write(name, 'changed');
  }, coldBuild);
  afterAll(async () => {
    await kubectl.try(['delete', backups, '--all', '-n', place, '--timeout=60s']);
    await kylon?.discard();
    await kubectl.try(['delete', '-f', userRoles, '--ignore-not-found']);
    await tidy();
  });

  const sized = (mebibytes: number) => ({ resources: { requests: { storage: `${mebibytes}Mi` } } });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, ...targets, confined, '--ignore-not-found']);
  }

  const write = (name: string, text: string) =>
    kubectl.run(['exec', name, '-n', place, '--', 'sh', '-c', `echo '${text}' > /data/greeting && chown 1234:4321 /data/greeting`]);
  const inPod = (script: string, pod: string, where: string) => kubectl.run(['exec', pod, '-n', where, '--', 'sh', '-c', script]);
  const oddFiles = [
    "mkdir -p /data/conf/deep && cd /data/conf && echo old > app.yaml && echo odd > 'a [b] *' && printf n > \"$(printf 'new\\nline')\"",
    'echo two > deep/two && ln deep/two deep/hard && ln app.yaml deep/same && ln -s two deep/soft && ln -s /etc deep/out && mkfifo deep/pipe',
    "chown 7:8 app.yaml && chmod 4640 app.yaml && touch -d '2001-02-03 04:05:06' app.yaml && chown 5:6 deep && chmod 2750 deep",
    'head -c 12000000 /dev/urandom > /data/large',
  ].join(' && ');
  const look =
    "find . -type d -exec stat -c '%n %F %a %u:%g' {} + -o -type l -exec readlink {} + -o -exec stat -c '%n %F %a %u:%g %s %Y %h' {} + | sort";
  const into = (target: string) => ({ namespaceMapping: { [place]: target }, includedResources: ['persistentvolumeclaims'] });
  const allBound = (target: string) => {
    const claims = [...names, 'blocks'].map((name) => `pvc/${name}`);
    return kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', ...claims, '-n', target, '--timeout=120s']);
  };
  /** As a Pod reads them: of as many bytes as were saved, and how many there are. */
  const sumOfBlocks = async (target: string) => {
    await kubectl.run(['create', '-f', '-'], deviceReader(target, 'blocks', 'blocks'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/blocks', '-n', target, '--timeout=120s']);
    const read = (script: string) => kubectl.run(['exec', 'blocks', '-n', target, '--', 'sh', '-c', script]);
    const [sum] = (await read(`head -c ${64 << 20} /dev/data | sha256sum`)).split(' ');
    return { sum, size: Number(await read('wc -c </dev/data')) };
  };
  const helpers = async (target: string) => {
    const found = [
      ...(await kubectl.list('pods,secrets,pvc', '-n', target, '-l', 'app.kubernetes.io/managed-by=kylon')),
      ...(await kubectl.list(volumeSnapshots, '-n', target)),
      ...(await kubectl.list(volumeSnapshotContents, '-l', 'backup.kylon.io/made-for')),
    ];
    return found.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  };
  /** As only GNU tar brings it. */
  const isAdorned = async (target: string, name: string, file: string) => {
    const { attribute, modified } = await volumes.adornment(target, name, file);
    expect(attribute).toContain('user.kylon');
    expect({ attribute, modified }).toEqual(await volumes.adornment(place, 'moved', 'conf/deep/two'));
  };
  const nothingIsLeft = (target: string) => eventually(async () => (await helpers(target)).length === 0, 90_000);

  it('come with their claims, whatever the method', async () => {
    const { object, of } = await bringBack(kubectl, place, 'all', 'elsewhere', into(to));
    expect(object.status).toMatchObject({ phase: 'Completed', counts: { created: all, failed: 0 } });
    expect(of('persistentvolumeclaims', 'blocks')).toEqual({ outcome: 'created' });
    for (const name of names) expect(of('persistentvolumeclaims', name)).toEqual({ outcome: 'created' });
    await allBound(to);
    for (const name of names) {
      expect(await volumes.read(to, name, 'greeting')).toBe(`hello of ${name}\n`);
      expect(await volumes.read(place, name, 'greeting')).toBe('changed\n');
    }
    expect(await sumOfBlocks(to)).toEqual({ sum: blocks, size: 64 << 20 });
    expect(await volumes.roomOfBlock(to, 'blocks')).toBeLessThan(24 << 20);
    await nothingIsLeft(to);
    await kubectl.run(['create', '-f', '-'], writer(to, 'reader', 'moved'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/reader', '-n', to, '--timeout=120s']);
    expect(await kubectl.run(['exec', 'reader', '-n', to, '--', 'stat', '-c', '%u:%g', '/data/greeting'])).toBe('1234:4321\n');
    await isAdorned(to, 'moved', 'conf/deep/two');
  });

  it('stay with the Snapshot, whose own volume is still there', async () => {
    const taken = await kubectl.list(snapshots, '-n', place);
    expect(taken.map(({ status }) => status?.['phase'])).toEqual(Array.from({ length: all }, () => 'Completed'));
    const ofDriver = taken.find(({ metadata }) => metadata.name.startsWith('csi-'));
    expect(volumes.snapshots()).toEqual([ofDriver?.status?.['handle']]);
    expect(await kubectl.list(volumeSnapshots, '-n', place)).toHaveLength(1);
  });

  it('come by a Restore of a Snapshot alone: verified, of blocks too, and into a claim that is there', async () => {
    const taken = await kubectl.list(snapshots, '-n', place);
    const nameOf = (name: string) => taken.find(({ metadata }) => metadata.name.startsWith(`${name}-`))?.metadata.name ?? '';
    const bring = async (name: string, spec: object, claimSpec: object = { verify: true }) => {
      const more = { snapshotNamespace: place, ...spec };
      await kubectl.run(['create', '-f', '-'], restoreOfSnapshot(alone, name, nameOf(name), { name, ...claimSpec }, more));
      return (await complete(kubectl, restores, { namespace: alone, name })).status;
    };
    for (const name of ['moved', 'copied']) expect(await bring(name, {})).toMatchObject({ counts: { created: 1, failed: 0 } });
    expect(await bring('blocks', {}, { verify: true, size: '80Mi' })).toMatchObject({ counts: { created: 1, failed: 0 } });
    expect(await sumOfBlocks(alone)).toEqual({ sum: blocks, size: 80 << 20 });
    await kubectl.run(['create', '-f', '-'], claim(alone, 'csi'));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/csi', '-n', alone, '--timeout=60s']);
    expect(await bring('csi', { existingResourcePolicy: 'Update' }, {})).toMatchObject({ counts: { updated: 1, failed: 0 } });
    for (const name of names) expect(await volumes.read(alone, name, 'greeting')).toBe(`hello of ${name}\n`);
    await nothingIsLeft(alone);
  });

  /** Of the Snapshot of `moved`, into the claim `used` of `alone`; without `files` all of it. */
  const ofFiles = async (name: string, files: object | undefined, { claim: given = {}, ...spec }: FilesSpec = {}) => {
    const [taken] = (await kubectl.list(snapshots, '-n', place)).filter(({ metadata }) => metadata.name.startsWith('moved-'));
    const more = { snapshotNamespace: place, files, ...spec };
    return restoreOfSnapshot(alone, name, taken?.metadata.name ?? '', { name: 'used', ...given }, more);
  };
  const askForFiles = async (name: string, files: object, spec?: FilesSpec) =>
    kubectl.run(['create', '-f', '-'], await ofFiles(name, files, spec));
  const bringFiles = async (name: string, files: object, spec: FilesSpec = {}) => {
    await askForFiles(name, files, spec);
    return (await complete(kubectl, restores, { namespace: alone, name })).status;
  };
  const refusal = async (name: string, files: object, spec: FilesSpec = {}) => {
    await askForFiles(name, files, spec);
    return String((await ended(kubectl, restores, { namespace: alone, name })).status?.['failureReason']);
  };
  const inUser = (script: string) => inPod(`cd /data && ${script}`, 'user', alone);
  const nothingIsHidden = async () => {
    await nothingIsLeft(alone);
    expect(await inUser("find . -name '.kylon-*'")).toBe('');
  };

  it('give single files and folders to a volume in use, as they were, with the rights that a whole one needs', async () => {
    await kubectl.run(['create', '-f', '-'], [claim(alone, 'used'), writer(alone, 'user', 'used')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/user', '-n', alone, '--timeout=120s']);
    await kubectl.run(['create', 'rolebinding', 'edit', '--clusterrole=edit', '--user=frank', '-n', alone]);
    const frank = kubectl.as('frank');
    await eventually(async () => (await frank.try(['auth', 'can-i', 'create', restores, '-n', alone])).code === 0);
    const folder = await ofFiles('folder', { path: 'conf' }, { claim: { verify: true } });
    expect(await frank.fails(['create', '-f', '-'], folder)).toMatch(
      /cannot create resource "snapshots\/restore" in API group "backup.kylon.io" in the namespace "kylon-from"/,
    );
    await kubectl.run(['create', 'role', 'bring', '--verb=create', '--resource=snapshots.backup.kylon.io/restore', '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'bring', '--role=bring', '--user=frank', '-n', place]);
    await eventually(async () => (await frank.try(['create', '-f', '-'], folder)).code === 0);
    const { status } = await complete(frank, restores, { namespace: alone, name: 'folder' });
    expect(status).toMatchObject({ phase: 'Completed', files: 11, filesUnchanged: 0, createdBy: { username: 'frank' } });
    expect(await inUser(`cd conf && ${look}`)).toBe(await inPod(`cd /data/conf && ${look}`, 'moved', place));
    await isAdorned(alone, 'used', 'conf/deep/two');
    expect(await bringFiles('file', { path: 'conf/deep/same', targetDirectory: 'own/below' })).toMatchObject({
      files: 1,
      bytesRestored: 4,
    });
    expect(await inUser("cat own/below/same && stat -c '%a %u:%g %Y %h' own/below/same")).toBe('old\n4640 7:8 981173106 1\n');
    await bringFiles('odd', { path: 'conf/a [b] *', targetDirectory: '.' });
    expect(await inUser("cat 'a [b] *'")).toBe('odd\n');
    await bringFiles('unused', { path: 'conf/app.yaml' }, { claim: { name: 'moved' }, existingResourcePolicy: 'Update' });
    expect(await volumes.read(alone, 'moved', 'conf/app.yaml')).toBe('old\n');
    expect(await kubectl.get('pod', 'user', '-n', alone)).toMatchObject({ status: { containerStatuses: [{ restartCount: 0 }] } });
    await nothingIsHidden();
  });

  it('belong to who uses the volume, where nobody may be root', async () => {
    await kubectl.run(['create', '-f', '-'], namespace(confined, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
    await kubectl.run(['create', '-f', '-'], [claim(confined, 'used'), restrictedWriter(confined, 'user', 'used')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/user', '-n', confined, '--timeout=120s']);
    for (const [name, files, spec] of [
      ['file', { path: 'conf/app.yaml' }, {}],
      ['folder', { path: 'conf', targetDirectory: 'beside' }, { claim: { verify: true } }],
      ['whole', undefined, { claim: { name: 'whole', verify: true } }],
    ] as const) {
      const wanted = await ofFiles(name, files, spec);
      await kubectl.run(['create', '-f', '-'], { ...wanted, metadata: { namespace: confined, name } });
      await complete(kubectl, restores, { namespace: confined, name });
    }
    const owners = "cat /data/conf/app.yaml /data/beside/conf/deep/hard && stat -c '%u' /data/conf/app.yaml /data/beside/conf/deep/hard";
    expect(await inPod(owners, 'user', confined)).toBe('old\ntwo\n1000\n1000\n');
    expect(await volumes.read(confined, 'whole', 'conf/deep/two')).toBe('two\n');
    await nothingIsLeft(confined);
  });

  it('give no file to what is there, to a link, to no claim, or from nowhere', async () => {
    await inUser('echo newer > conf/app.yaml && mkdir /tmp/out && ln -s /tmp/out out');
    expect(await refusal('there', { path: 'conf/app.yaml' })).toMatch(/^FileExists: spec.files.path: "app.yaml" is there already/);
    expect(await inUser('cat conf/app.yaml')).toBe('newer\n');
    await bringFiles('update', { path: 'conf' }, { existingResourcePolicy: 'Update' });
    expect(await inUser(`cd conf && ${look}`)).toBe(await inPod(`cd /data/conf && ${look}`, 'moved', place));
    expect(await refusal('linked', { path: 'conf', targetDirectory: 'out/in' })).toMatch(
      /^PathRefused: spec.files.targetDirectory: "out" is a symbolic link/,
    );
    expect(await inUser('ls /tmp/out')).toBe('');
    expect(await refusal('never', { path: 'conf/never' })).toMatch(/^FileNotFound: spec.files.path: .*"\/conf\/never"/);
    expect(await refusal('no-claim', { path: 'conf' }, { claim: { name: 'none' } })).toMatch(/^ClaimNotFound: .*"none"/);
    await kubectl.run(['create', '-f', '-'], claim(alone, 'pending', { storageClassName: 'none' }));
    expect(await refusal('pending', { path: 'conf' }, { claim: { name: 'pending' } })).toMatch(/^ClaimPending: .*"pending"/);
    await expect(askForFiles('up', { path: '../etc' })).rejects.toThrow(/spec.files.path: Invalid value: .*must not contain '..'/);
    await nothingIsHidden();
  });

  it('give a file though its Pod is deleted, and though Kylon is killed, and leave nothing when they are given up', async () => {
    const slow = { throttle: { download: '2Mi' } };
    const own = () => kubectl.list('pods', '-n', alone, '-l', 'app.kubernetes.io/component=copy', '--field-selector=status.phase=Running');
    const isAtIt = () => eventually(async () => (await inUser("find . -name large -path '*.kylon-*'")) !== '', 60_000);
    await askForFiles('large', { path: 'large' }, slow);
    await isAtIt();
    expect(await inUser('ls')).not.toMatch(/large/);
    const [pod] = await own();
    await kubectl.run(['delete', 'pod', pod?.metadata.name ?? '', '-n', alone, '--now']);
    await eventually(async () => (await own()).some(({ metadata }) => metadata.uid !== pod?.metadata.uid), 60_000);
    await isAtIt();
    await kylon.discard();
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    await complete(kubectl, restores, { namespace: alone, name: 'large' });
    expect(await volumes.hash(alone, 'used', 'large')).toBe(await volumes.hash(place, 'moved', 'large'));
    await nothingIsHidden();
    await inUser('rm large');
    await askForFiles('given-up', { path: 'large' }, slow);
    await isAtIt();
    await kubectl.run(['delete', restores, 'given-up', '-n', alone, '--timeout=60s']);
    await nothingIsHidden();
    expect(await inUser('ls')).not.toMatch(/large/);
  });

  it('are refused to whoever may not restore where they were taken', async () => {
    const eve = kubectl.as('eve');
    await kubectl.run(['create', 'rolebinding', 'edit', '--clusterrole=edit', '--user=eve', '-n', asUser]);
    const create = restore(asUser, 'taken', 'all', { backupNamespace: place, ...into(asUser) });
    await eventually(async () => (await eve.try(['auth', 'can-i', 'create', restores, '-n', asUser])).code === 0);
    expect(await eve.fails(['create', '-f', '-'], create)).toMatch(
      /cannot create resource "backups\/restore" in API group "backup.kylon.io" in the namespace "kylon-from"/,
    );
    const rules = ['--resource=backups.backup.kylon.io', '--resource=backups.backup.kylon.io/restore'];
    await kubectl.run(['create', 'role', 'reader', '--verb=create', ...rules, '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'reader', '--role=reader', '--user=eve', '-n', place]);
    await eventually(async () => (await eve.try(['create', '-f', '-'], create)).code === 0);
    const { status } = await ended(kubectl, restores, { namespace: asUser, name: 'taken' });
    expect(status).toMatchObject({ phase: 'PartiallyFailed', counts: { created: 0, failed: all } });
    const results = await kubectl.run(['get', '--raw', `/apis/backup.kylon.io/v1alpha1/namespaces/${asUser}/restores/taken/results`]);
    expect(results).toContain('User \\"eve\\" cannot create resource \\"snapshots/restore\\"');
    expect(await kubectl.list('pvc', '-n', asUser)).toEqual([]);
  });

  it('are given to no claim that only says so', async () => {
    const [taken] = await kubectl.list(snapshots, '-n', place);
    const annotations = { 'backup.kylon.io/snapshot-namespace': place };
    const dataSourceRef = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: taken?.metadata.name };
    await kubectl.run(['create', '-f', '-'], claim(asUser, 'stolen', { dataSourceRef }, { annotations }));
    await eventually(async () => {
      const events = await kubectl.run([
        'get',
        'events',
        '-n',
        asUser,
        '-o',
        'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
      ]);
      return events.includes(`SnapshotElsewhere: no Restore has made this claim of the snapshot "${taken?.metadata.name}"`);
    });
    expect((await kubectl.get('pvc', 'stolen', '-n', asUser)).status).toMatchObject({ phase: 'Pending' });
    expect(await helpers(asUser)).toEqual([]);
    await kubectl.run(['delete', 'pvc', 'stolen', '-n', asUser]);
  });

  it('leave nothing behind where Kylon is killed and the claims are deleted meanwhile', async () => {
    await kubectl.run(['create', '-f', '-'], restore(place, 'killed', 'all', into(whileKilled)));
    await eventually(async () => (await helpers(whileKilled)).some((one) => one.startsWith('VolumeSnapshotContent/')));
    await kylon.discard();
    await kubectl.run(['delete', 'pvc', '--all', '-n', whileKilled, '--timeout=60s']);
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    await nothingIsLeft(whileKilled);
    expect((await kubectl.list(snapshots, '-n', place)).map(({ status }) => status?.['phase'])).toEqual(
      Array.from({ length: all }, () => 'Completed'),
    );
  });
});

/** Of a Restore of files, beside what it is of. */
interface FilesSpec {
  readonly claim?: object;
  readonly throttle?: object;
  readonly existingResourcePolicy?: string;
}
