/** A43: Python's client for Kubernetes, and an operator in kopf, find in Kylon's kinds what they find in any other. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { harmBed, small } from './harm.ts';
import { backup, backups, complete, gone } from './objects.ts';
import { run, Running } from './process.ts';
import { findPython, preparePython } from './python.ts';

const scripts = join(repository, 'test/clients/python');
const cluster = findCluster();
const python = await findPython();
const clients = 'missing' in python ? { title: `Python (skipped: ${python.missing})`, options: { skip: true } } : suite('Python', cluster);

describe(clients.title, clients.options, () => {
  const ns = 'kylon-e2e-python';
  const { kubectl, create } = harmBed(kubeconfigOf(cluster), [ns]);
  const cache = join(temporaryFolder(), 'discovery.json');
  const env = { KUBECONFIG: kubeconfigOf(cluster) };
  const inNs = (...args: string[]) => [...args, '-n', ns];
  let bin = '';
  beforeAll(async () => {
    bin = await preparePython(python, scripts);
  });

  async function client<T>(what: string): Promise<T> {
    const { code, stdout, stderr } = await run(join(bin, 'python'), [join(scripts, 'client.py'), what, ns, cache], { env });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  }

  it('A43 DynamicClient discovers', async () => {
    expect(await client('discovery')).toMatchObject({
      name: 'backups',
      singular: 'backup',
      namespaced: true,
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      subresources: expect.arrayContaining(['download', 'items', 'restore', 'status']),
    });
  });

  it('A43 DynamicClient creates, gets, selects, patches, replaces and deletes', async () => {
    expect(await client('objects')).toEqual({
      created: 'python',
      patched: 'two',
      selected: ['python'],
      replaced: 'three',
      missing: [404, 'NotFound'],
      wrong: [422, 'Invalid'],
    });
    await gone(kubectl, ...inNs(backups, 'python'));
  });

  it('A43 DynamicClient watches until its time is over', async () => {
    const types = await client<string[]>('watched');
    expect([types[0], types.at(-1)]).toEqual(['ADDED', 'DELETED']);
    expect(types.slice(1, -1).every((type) => type === 'MODIFIED')).toBe(true);
  });

  it('A43 watch.Watch streams all that came after an old resourceVersion', async () => {
    const events = await client<[string, string][]>('from_the_beginning');
    for (const name of ['python', 'watched']) {
      const types = events.filter((event) => event[1] === name).map(([type]) => type);
      expect([types[0], types.at(-1)]).toEqual(['ADDED', 'DELETED']);
    }
  });

  it('A43 watch.Watch asks once more when its resourceVersion has expired, then says so', async () => {
    expect(await client('expired')).toEqual({
      asked: ['999999999', '999999999'],
      status: 410,
      reason: expect.stringMatching(/^Expired: too large resource version: 999999999/),
    });
  });

  it('A43 an operator in kopf sees Backups come, change and go', async () => {
    const operator = new Running(join(bin, 'kopf'), ['run', '--standalone', '--namespace', ns, join(scripts, 'watcher.py')], {
      env: { ...process.env, ...env },
    });
    try {
      await create(backup(ns, 'kopf', small, { stage: 'one' }));
      await operator.waitFor(/^failed kopf$[^]*^created kopf$/m);
      const { metadata } = await complete(kubectl, backups, { namespace: ns, name: 'kopf' });
      expect(metadata['finalizers']).toEqual(expect.arrayContaining(['kopf.zalando.org/KopfFinalizerMarker', 'backup.kylon.io/data']));
      await kubectl.run(inNs('patch', backups, 'kopf', '--type=merge', '-p', '{"spec":{"ttl":"1h"}}'));
      await operator.waitFor(/^updated kopf from 720h to 1h$/m);
      await kubectl.run(inNs('label', backups, 'kopf', '--overwrite', 'stage=two'));
      await operator.waitFor(/^labelled kopf two$/m);
      await kubectl.run(inNs('delete', backups, 'kopf', '--timeout=60s'));
      await operator.waitFor(/^deleted kopf$/m);
    } finally {
      await operator.stop();
    }
    expect(operator.child.exitCode, operator.output()).toBe(0);
    expect(operator.stdout.match(/^(created|updated|deleted) kopf/gm)).toEqual(['created kopf', 'updated kopf', 'deleted kopf']);
    const complaints = operator.stderr.match(/^.*(\[(WARNING|ERROR|CRITICAL)|Traceback).*$/gm);
    expect(complaints).toEqual([expect.stringContaining("Handler 'created' failed temporarily: once")]);
  });
});
