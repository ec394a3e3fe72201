/** What a user of one namespace gets at of the backups of another one, by whichever door: nothing, and is told which right is missing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import type { Kylon } from './kylon.ts';
import { backup, backups, configMap, ended, path, restore, restores } from './objects.ts';
import { eventually } from './process.ts';
import { backUp, resultsOf } from './restoring.ts';
import { setUp, tearDown } from './users.ts';

const cluster = findCluster();
const foreign = suite('the backups of another namespace', cluster);

describe(foreign.title, foreign.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [own, theirs] = ['kylon-foreign-own', 'kylon-foreign-theirs'] as const;
  const alice = kubectl.as('alice-of-own');
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'key', namespace: theirs },
    stringData: { key: 'only-theirs' },
  };
  const chosen = { includedResources: ['configmaps', 'secrets'] };
  let kylon: Kylon;

  beforeAll(async () => {
    kylon = await setUp(kubectl, kubeconfigOf(cluster), [own, theirs]);
    await kubectl.run(['create', 'rolebinding', 'alice', '--clusterrole=admin', '--user=alice-of-own', '-n', own]);
    await eventually(async () => (await alice.try(['auth', 'can-i', 'get', `${backups}/download`, '-n', own])).code === 0);
    await kubectl.run(['create', '-f', '-'], [secret, configMap(own, 'mine'), configMap(theirs, 'theirs')]);
    await backUp(kubectl, theirs, 'b', chosen);
    await backUp(alice, own, 'b', chosen);
    await kubectl.run(['create', '-f', '-'], restore(theirs, 'r', 'b', { dryRun: true }));
    await ended(kubectl, restores, { namespace: theirs, name: 'r' });
  });
  afterAll(async () => {
    await kylon?.stop();
    await tearDown(kubectl, [own, theirs]);
  });

  const below = ['', '/items', `/items/core/secrets/${theirs}/key`, '/download', '/log', '/diff', '/proxy/download'];

  it.each([
    ...below.map((rest) => `backups/b${rest}`),
    'restores/r',
    'restores/r/results',
    'restores/r/log',
    'backups',
    'restores',
    'snapshots',
  ])('are not read: %s', async (where) => {
    await kubectl.run(['get', '--raw', path(theirs, where)]);
    const told = await alice.fails(['get', '--raw', path(theirs, where)]);
    expect(told).toMatch(/User "alice-of-own" cannot (get|list) resource "(backups|restores|snapshots)/);
    expect(told).not.toContain('only-theirs');
  });

  it.each([
    ['create', 'backups/b/restore'],
    ['create', 'backups/b/verify'],
    ['replace', 'backups/b/hold'],
    ['delete', 'backups/b/hold'],
    ['delete', 'backups/b'],
  ])('are not touched: %s %s', async (verb, where) => {
    const body = verb === 'delete' ? [] : ['-f', '/dev/null'];
    expect(await alice.fails([verb, '--raw', path(theirs, where), ...body])).toMatch(/alice-of-own.*cannot|forbidden/i);
  });

  it('are not compared with, nor looked into by a path that leads out of the own one', async () => {
    for (const where of [
      `backups/b/diff?against=${theirs}/b`,
      `backups/b/diff?against=..%2F..%2F${theirs}%2Fbackups%2Fb`,
      `backups/b/items/core/secrets/${theirs}/key`,
    ])
      expect((await alice.try(['get', '--raw', path(own, where)])).stdout).not.toContain('only-theirs');
    for (const where of [`backups/..%2F..%2F..%2Fnamespaces%2F${theirs}%2Fbackups%2Fb`, `backups/b/../../../${theirs}/backups/b/items`])
      await alice.fails(['get', '--raw', path(own, where)]);
  });

  const failed = async (object: KubeObject, resource = restores) => {
    const { code, stderr } = await alice.try(['create', '-f', '-'], object);
    if (code !== 0) return stderr;
    const { status } = await ended(kubectl, resource, { namespace: own, name: object.metadata.name });
    expect(status?.['phase']).toBe('Failed');
    return String(status?.['failureReason']);
  };

  it('are not restored from, also under another name', async () => {
    const mapped = { backupNamespace: theirs, namespaceMapping: { [theirs]: own } };
    const item = { resource: 'secrets', namespace: theirs, name: 'key' };
    for (const [name, spec] of Object.entries({ whole: { backupNamespace: theirs }, mapped, item: { ...mapped, items: [item] } }))
      expect(await failed(restore(own, name, 'b', spec))).toMatch(
        /"alice-of-own" cannot create resource "backups\/restore".*kylon-foreign-theirs/,
      );
    expect(await kubectl.fails(['get', 'secret', 'key', '-n', own])).toContain('NotFound');
  });

  it('are not written into by a mapping', async () => {
    await alice.run(['create', '-f', '-'], restore(own, 'into', 'b', { namespaceMapping: { [own]: theirs } }));
    const { object, of } = await resultsOf(kubectl, own, 'into');
    expect(object.status).toMatchObject({ phase: 'PartiallyFailed', counts: { created: 0, updated: 0, recreated: 0 } });
    expect(of('configmaps', 'mine')).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/alice-of-own.*cannot.*kylon-foreign-theirs/),
    });
    expect(await kubectl.fails(['get', 'configmap', 'mine', '-n', theirs])).toContain('NotFound');
  });

  it('are not made anew in the own one', async () => {
    const wishes = { one: [own, theirs], all: ['*'], glob: ['kylon-foreign-*'] };
    for (const [name, includedNamespaces] of Object.entries(wishes))
      expect(await failed(backup(own, name, { ...chosen, includedNamespaces }), backups)).toMatch(
        /"alice-of-own" cannot create resource "backups"/,
      );
    expect(await failed(backup(own, 'cluster', { ...chosen, includeClusterResources: true }), backups)).toMatch(
      /cannot create resource "backups"/,
    );
  });

  it('are not reached as somebody else: who created it is written by the server alone', async () => {
    const createdBy = { username: 'kubernetes-admin', groups: ['system:masters'] };
    expect(await alice.fails(['create', '-f', '-'], restore(own, 'forged', 'b', { createdBy }))).toMatch(/unknown field "spec.createdBy"/);
    const mapped = restore(own, 'forged', 'b', { namespaceMapping: { [own]: theirs } });
    await alice.run(['create', '-f', '-'], { ...mapped, status: { phase: 'Completed', createdBy } });
    await alice.run(['patch', `${restores}/forged`, '-n', own, '--type=merge', '-p', JSON.stringify({ status: { createdBy } })]);
    const { object } = await resultsOf(kubectl, own, 'forged');
    expect(object.status).toMatchObject({ phase: 'PartiallyFailed', createdBy: { username: 'alice-of-own' }, counts: { created: 0 } });
  });

  it('are not reached by who may write the status of the own ones', async () => {
    await kubectl.run(['create', 'role', 'status', '--verb=*', `--resource=${backups}/status,${restores}/status`, '-n', own]);
    await kubectl.run(['create', 'rolebinding', 'status', '--role=status', '--user=alice-of-own', '-n', own]);
    await eventually(async () => (await alice.try(['auth', 'can-i', 'patch', `${backups}/status`, '-n', own])).code === 0);
    const { metadata, status } = await kubectl.get(backups, 'b', '-n', theirs);
    const { run, archive } = status ?? {};
    const patch = (change: object) =>
      alice.try(['patch', `${backups}/b`, '-n', own, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: change })]);
    for (const change of [{ run: { id: `../${metadata.uid}/${(run as { id: string }).id}`, replica: 'x' } }, { archive }, { phase: 'New' }])
      expect((await patch(change)).stderr).toMatch(/Forbidden: it has ended \(Completed\) and does not change any more/);
    expect((await patch({ createdBy: { username: 'kubernetes-admin' }, hold: { since: '2026-01-01T00:00:00Z', by: 'x' } })).code).toBe(0);
    const now = (await kubectl.get(backups, 'b', '-n', own)).status;
    expect([now?.['createdBy'], now?.['hold']]).toEqual([expect.objectContaining({ username: 'alice-of-own' }), undefined]);
  });
});
