/** Seeded fuzz: whatever is sent, a Status with the right code, and never a 500, a hang, another user's object, or a crash. `npm run fuzz` sends more. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Playground } from '../fuzz/playground.ts';
import { fuzz } from '../fuzz/run.ts';
import type { Outcome, Target } from '../fuzz/run.ts';
import { canary, foreign } from '../fuzz/vocabulary.ts';
import { clientCertificate } from './certificates.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import { Kylon, portOf } from './kylon.ts';
import { memoryOf, MiB } from './memory.ts';
import { backup, backups, complete, configMap, namespace } from './objects.ts';
import { eventually } from './process.ts';

const seed = Number(process.env['KYLON_TEST_FUZZ_SEED'] ?? 1);
const cases = Number(process.env['KYLON_TEST_FUZZ_CASES'] ?? 100_000);
/** What the server holds afterwards: 60 MiB at its start, the objects that the cases left, and a heap that V8 lets grow while it is busy. */
const memoryBound = 700 * MiB;

/** Nothing is wrong, and enough was right that the cases got past the door. */
function expectSound({ findings, statuses }: Outcome, count: number): void {
  expect(findings, `seed ${seed}`).toEqual([]);
  const times = (...wanted: number[]) => wanted.reduce((sum, status) => sum + (statuses.get(String(status)) ?? 0), 0);
  expect(times(200, 201)).toBeGreaterThan(count / 10);
  for (const status of [400, 403, 404, 405, 409, 415, 422]) expect(times(status), `how often ${status}`).toBeGreaterThan(count / 2000);
}

describe('fuzz of a playground', () => {
  let playground: Awaited<ReturnType<typeof Playground.start>>;
  let kubectl: Kubectl;

  beforeAll(async () => {
    playground = await Playground.start();
    kubectl = new Kubectl(playground.kubeconfig);
  });
  afterAll(async () => {
    await playground?.stop();
  });

  it(`answers ${cases} cases of seed ${seed} as it should`, { timeout: 600_000 }, async () => {
    expectSound(await fuzz({ seed, first: 0, count: cases }, playground), cases);
  });

  it('is sane afterwards: what was always possible still is, and memory is bounded', async () => {
    expect(memoryOf(playground.process)).toBeLessThan(memoryBound);
    await kubectl.run(['create', '-f', '-'], [namespace('after'), configMap('after', 'one'), backup('after', 'last')]);
    await complete(kubectl, backups, { namespace: 'after', name: 'last' });
    const watch = kubectl.start('get', 'configmaps', '-n', 'after', '--watch', '-o', 'name');
    await watch.waitFor(/configmap\/one/);
    await kubectl.run(['create', '-f', '-'], configMap('after', 'two'));
    await watch.waitFor(/configmap\/two/);
    await watch.stop();
    await kubectl.run(['delete', 'configmap', 'one', '-n', 'after']);
    expect((await kubectl.list('configmaps', '-n', 'after')).map(({ metadata }) => metadata.name)).toEqual(['two']);
    expect(await playground.stop(), playground.process.output()).toBe(0);
    expect(playground.process.output()).not.toMatch(/^\s+at .*\.(ts|js):\d+/m);
  });
});

const cluster = findCluster();
const beside = suite('fuzz beside the real cluster', cluster);

describe(beside.title, beside.options, () => {
  const share = 4000;
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const grounds: string[] = [];
  let kylon: Kylon;

  beforeAll(async () => {
    kylon = await Kylon.beside(kubeconfigOf(cluster));
  });
  afterAll(async () => {
    await kylon?.stop();
    await kubectl.run(['delete', 'namespace', '--ignore-not-found', foreign, ...grounds]);
    await kubectl.run(['delete', 'clusterrole', '--ignore-not-found', 'fuzz-limited']);
  });

  /** The limited user may do everything, in the namespace of the cases. */
  async function prepare(ground: string): Promise<void> {
    for (const name of [foreign, ground]) {
      const hidden = { [canary]: canary };
      await kubectl.try(['create', '-f', '-'], [namespace(name), configMap(name, 'a', name === foreign ? hidden : {})]);
      const labels = name === foreign ? hidden : {};
      for (const object of ['a', 'good'])
        await kubectl.try(['create', '-f', '-'], backup(name, object, { includedResources: ['configmaps'] }, labels));
      await complete(kubectl, backups, { namespace: name, name: 'good' });
    }
    grounds.push(ground);
    await kubectl.run(['create', 'rolebinding', 'fuzz', '-n', ground, '--clusterrole=fuzz-limited', '--user=fuzz-limited']);
  }

  it(`answers ${share} cases, and shows nobody what is another's`, { timeout: 300_000 }, async () => {
    await kubectl.run(['create', '-f', '-'], {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'fuzz-limited' },
      rules: [{ apiGroups: ['backup.kylon.io', ''], resources: ['*'], verbs: ['*'] }],
    });
    const port = await portOf(kubectl);
    const limited = { port, ...(await clientCertificate(kubectl, 'fuzz-limited')) };
    const target: Target = {
      addresses: { owner: { port, ...adminOf(kubeconfigOf(cluster)) }, limited },
      maySee: (name) => /^fuzz-\d+$/.test(name),
      prepare,
    };
    const outcome = await fuzz({ seed, first: 0, count: share }, target);
    expectSound(outcome, share);
    await eventually(async () => (await kubectl.get(backups, 'good', '-n', foreign)).status?.['phase'] === 'Completed');
    expect(kylon.process.ended).toBe(false);
  });
});

/** Whoever the kubeconfig belongs to, by certificate. */
function adminOf(kubeconfig: string): { readonly cert: string; readonly key: string } {
  const { users } = parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: Record<string, string> }[] };
  const read = (field: string) => {
    const user = users[0]?.user ?? {};
    return user[field] === undefined ? Buffer.from(user[`${field}-data`] ?? '', 'base64').toString() : readFileSync(user[field], 'utf8');
  };
  return { cert: read('client-certificate'), key: read('client-key') };
}
