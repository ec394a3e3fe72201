/** Single files and folders of a Snapshot put into volumes that Pods have in use, by real restic in real Pods. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, withMovers } from './mover-image.ts';
import { complete, ended, namespace, path, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { claim, restrictedWriter, writer } from './volumes.ts';

const cluster = withMovers(findCluster());
const files = suite('files of snapshots in volumes in use', cluster);

describe(files.title, files.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const dave = kubectl.as('dave');
  const [place, confined] = ['kylon-files', 'kylon-files-restricted'];
  const userRoles = resolve(repository, 'manifests/user-roles.yaml');
  const data = temporaryFolder();
  let kylon: Kylon;
  let flags: readonly string[];

  beforeAll(async () => {
    await tidy();
    flags = await moverFlags(kubectl);
    await kubectl.run(['apply', '-f', userRoles]);
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['create', 'rolebinding', 'edit', '--clusterrole=edit', '--user=dave', '-n', place]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await inPod(
      [
        "mkdir -p /data/conf/deep && cd /data/conf && echo old > app.yaml && chown 7:8 app.yaml && chmod 640 app.yaml && echo two > deep/two && echo odd > 'a [b] *'",
        "ln deep/two deep/hard && ln -s two deep/soft && chmod 2750 deep && echo other > 'a b *' && echo two > 'p$$.txt' && echo one > 'p$.txt' && echo home > 'c$(HOME)' && head -c 300000000 /dev/urandom > /data/huge",
      ].join(' && '),
    );
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    await kubectl.run(['create', '-f', '-'], snapshot(place, 'first', 'data', { method: 'File' }));
    await complete(kubectl, snapshots, { namespace: place, name: 'first' });
  }, coldBuild);
  afterAll(async () => {
    for (const one of [place, confined]) await kubectl.try(['delete', snapshots, '--all', '-n', one]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['delete', '-f', userRoles, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, confined, '--ignore-not-found']);
  }

  const inPod = (script: string, pod = 'writer', where = place) => kubectl.run(['exec', pod, '-n', where, '--', 'sh', '-c', script]);
  const create = (object: object, as = kubectl) => as.run(['create', '-f', '-'], object);
  const given = (name: string, filesOf: object, spec: object = {}, where = place) =>
    restoreOfSnapshot(where, name, 'first', {}, { files: filesOf, ...spec });
  const bring = async (name: string, filesOf: object, spec: object = {}) => {
    await create(given(name, filesOf, spec));
    return complete(kubectl, restores, { namespace: place, name });
  };
  const failure = async (name: string, filesOf: object, spec: object = {}) => {
    await create(given(name, filesOf, spec));
    const { status } = await ended(kubectl, restores, { namespace: place, name });
    expect(status).toMatchObject({ phase: 'Failed' });
    return String(status?.['failureReason']);
  };
  const helpers = (where = place) => kubectl.list('pods,secrets,pvc', '-n', where, '-l', 'app.kubernetes.io/managed-by=kylon');
  /** Neither in the cluster nor in the volume. */
  const nothingIsLeft = async () => {
    await eventually(async () => (await helpers()).length === 0, 60_000);
    expect(await inPod("find /data -name '.kylon-*'")).toBe('');
  };

  it('come back as they were, for the Pod that goes on, with the rights of who edits', async () => {
    const before = await inPod("cd /data/conf && stat -c '%n %a %u:%g %s %Y' app.yaml && cat app.yaml");
    const pod = await kubectl.get('pod', 'writer', '-n', place);
    await inPod('rm /data/conf/app.yaml');
    await create(given('file', { path: 'conf/app.yaml' }, { claim: { verify: true } }), dave);
    const { status } = await complete(dave, restores, { namespace: place, name: 'file' });
    expect(status).toMatchObject({ phase: 'Completed', files: 1, filesUnchanged: 0, bytesRestored: 4, createdBy: { username: 'dave' } });
    expect(status?.['steps']).toMatchObject([
      { name: 'FindFiles', phase: 'Completed' },
      { name: 'RestoreFiles', phase: 'Completed' },
    ]);
    expect(await inPod("cd /data/conf && stat -c '%n %a %u:%g %s %Y' app.yaml && cat app.yaml")).toBe(before);
    expect(await kubectl.get('pod', 'writer', '-n', place)).toMatchObject({
      metadata: { uid: pod.metadata.uid },
      status: { containerStatuses: [{ restartCount: 0 }] },
    });
    await nothingIsLeft();
  });

  it('may be folders, with links and modes, and may have odd names', async () => {
    const look = "cd /data/conf && find deep -exec stat -c '%n %F %a %u:%g %s %Y %h' {} + | sort";
    const before = await inPod(look);
    const odd = { 'a [b] *': 'odd', 'p$$.txt': 'two', 'c$(HOME)': 'home' };
    await inPod("rm -r /data/conf/deep '/data/conf/a [b] *' '/data/conf/p$$.txt' '/data/conf/c$(HOME)'");
    await bring('folder', { path: 'conf/deep' });
    for (const [index, name] of Object.keys(odd).entries()) await bring(`odd-${index}`, { path: `conf/${name}` });
    expect(await inPod(look)).toBe(before);
    for (const [name, content] of Object.entries(odd)) expect(await inPod(`cat '/data/conf/${name}'`)).toBe(`${content}\n`);
    await nothingIsLeft();
  });

  it('overwrite nothing by themselves, and what differs where that is asked for, by the URL of the snapshot', async () => {
    await inPod('echo newer > /data/conf/app.yaml && echo mine > /data/conf/deep/mine');
    const reason = /^FileExists: spec.files.path: "conf\/app.yaml" is there already .*targetDirectory.*Update/;
    expect(await failure('refused', { path: 'conf/app.yaml' })).toMatch(reason);
    expect(await failure('refused-folder', { path: 'conf/deep' })).toMatch(/^FileExists: /);
    expect(await inPod('cat /data/conf/app.yaml')).toBe('newer\n');
    const body = {
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Restore',
      spec: { files: { path: 'conf' }, existingResourcePolicy: 'Update' },
    };
    const made = JSON.parse(await kubectl.run(['create', '--raw', path(place, 'snapshots/first/restore'), '-f', '-'], body)) as {
      metadata: { name: string };
    };
    const { status } = await complete(kubectl, restores, { namespace: place, name: made.metadata.name });
    expect(status).toMatchObject({ bytesRestored: 4, counts: { updated: 1 } });
    expect(await inPod('cat /data/conf/app.yaml /data/conf/deep/mine')).toBe('old\nmine\n');
    await nothingIsLeft();
  });

  it('take the place of no full folder, and leave it as it is', async () => {
    await inPod('cd /data/conf && mv app.yaml kept && mkdir app.yaml && echo mine > app.yaml/mine && chmod 711 app.yaml');
    const reason = /^PathRefused: .*"conf\/app.yaml" is a folder with something in it/;
    expect(await failure('full', { path: 'conf/app.yaml' }, { existingResourcePolicy: 'Update' })).toMatch(reason);
    expect(await inPod('cd /data/conf && stat -c %a app.yaml && cat app.yaml/mine && rm -r app.yaml && mv kept app.yaml')).toBe(
      '711\nmine\n',
    );
    await nothingIsLeft();
  });

  it('go into another folder, beside what is there', async () => {
    await inPod('echo newer > /data/conf/app.yaml && mkdir /data/own && chown 77:88 /data/own');
    await bring('beside', { path: 'conf/app.yaml', targetDirectory: 'own/from/first' });
    expect(await inPod('cat /data/conf/app.yaml /data/own/from/first/app.yaml && stat -c %u:%g /data/own/from')).toBe(
      'newer\nold\n77:88\n',
    );
  });

  it('are not written through a link, in the volume or out of it', async () => {
    await inPod(
      'mkdir /tmp/out && echo outside > /tmp/out/file && ln -s /tmp/out /data/out && ln -s conf /data/in && rm /data/conf/app.yaml && ln -s /tmp/out/file /data/conf/app.yaml',
    );
    for (const link of ['out', 'in'])
      expect(await failure(`through-${link}`, { path: 'conf/app.yaml', targetDirectory: `${link}/deep` })).toMatch(
        new RegExp(`^PathRefused: spec.files.targetDirectory: "${link}" is a symbolic link in the volume, to "(/tmp/out|conf)"`),
      );
    expect(await failure('on-link', { path: 'conf/app.yaml' })).toMatch(/^FileExists: /);
    await bring('instead-of-link', { path: 'conf/app.yaml' }, { existingResourcePolicy: 'Update' });
    expect(await inPod('cat /data/conf/app.yaml /tmp/out/file && ls /tmp/out')).toBe('old\noutside\nfile\n');
    await nothingIsLeft();
  });

  it('are refused with field and cause where a path is none', async () => {
    for (const [name, wrong, words] of [
      ['up', { path: '../etc/passwd' }, /spec.files.path: Invalid value: "..\/etc\/passwd": must not contain '..'/],
      [
        'absolute',
        { path: 'conf', targetDirectory: '/data' },
        /spec.files.targetDirectory: Invalid value: "\/data": must not begin with a slash/,
      ],
      ['nothing', {}, /spec.files.path: Required value/],
    ] as const)
      expect(await kubectl.fails(['create', '-f', '-'], given(name, wrong))).toMatch(words);
    expect(await failure('never', { path: 'conf/never' })).toMatch(/^FileNotFound: spec.files.path: .*"\/conf\/never"/);
    expect(await failure('no-claim', { path: 'conf' }, { claim: { name: 'none' } })).toMatch(/^ClaimNotFound: /);
    expect(await helpers()).toEqual([]);
  });

  it('reach several Pods that share a volume', async () => {
    await create(claim(place, 'shared', { accessModes: ['ReadWriteMany'] }));
    for (const pod of ['one', 'two']) await create(writer(place, pod, 'shared'));
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/one', 'pod/two', '-n', place, '--timeout=120s']);
    await bring('into-shared', { path: 'conf/app.yaml', targetDirectory: '.' }, { claim: { name: 'shared' } });
    for (const pod of ['one', 'two']) expect(await inPod('cat /data/app.yaml', pod)).toBe('old\n');
  });

  it('are those of who uses the volume, where nobody may be root', async () => {
    await create(namespace(confined, { 'pod-security.kubernetes.io/enforce': 'restricted' }));
    await create([claim(confined, 'data'), restrictedWriter(confined, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', confined, '--timeout=120s']);
    await inPod('mkdir /data/own && echo mine > /data/own/file && chmod 600 /data/own/file', 'writer', confined);
    await create(snapshot(confined, 'first', 'data', { method: 'File' }));
    await complete(kubectl, snapshots, { namespace: confined, name: 'first' });
    await inPod('rm -r /data/own', 'writer', confined);
    for (const [name, wanted] of [
      ['file', { path: 'own/file' }],
      ['beside', { path: 'own/file', targetDirectory: 'new' }],
    ] as const) {
      await create(given(name, wanted, {}, confined));
      await complete(kubectl, restores, { namespace: confined, name });
    }
    const owners = await inPod("cat /data/own/file && stat -c '%a %u' /data/own/file /data/new/file", 'writer', confined);
    expect(owners).toBe('mine\n600 1000\n600 1000\n');
  });

  const movers = () =>
    kubectl.list('pods', '-n', place, '-l', 'app.kubernetes.io/component=mover', '--field-selector=status.phase=Running');
  const running = () => eventually(async () => (await movers())[0], 60_000);

  it('come to their end though the mover is killed, and though Kylon is, and are seen only then', async () => {
    await inPod('md5sum /data/huge > /tmp/before && rm /data/huge');
    await create(given('huge', { path: 'huge' }));
    const pod = await running();
    expect(await inPod('ls /data')).not.toMatch(/huge/);
    await kubectl.run(['delete', 'pod', pod.metadata.name, '-n', place, '--now']);
    await eventually(async () => (await movers()).some(({ metadata }) => metadata.uid !== pod.metadata.uid), 60_000);
    await kylon.discard();
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    await complete(kubectl, restores, { namespace: place, name: 'huge' });
    expect(await inPod('md5sum -c /tmp/before')).toMatch(/OK/);
    await nothingIsLeft();
  });

  it('leave nothing running, and nothing in the volume, when they are given up in the middle', async () => {
    await inPod('rm /data/huge');
    await create(given('given-up', { path: 'huge' }));
    await running();
    await kubectl.run(['delete', restores, 'given-up', '-n', place, '--timeout=60s']);
    await nothingIsLeft();
    expect(await inPod('ls /data')).not.toMatch(/huge/);
  });
});
