/**
 * Random objects through a backup and a restore, on a playground in this process: they come back as they were, but for what the table of
 * docs/restore.md says.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { textExactly } from '../../../src/base/exact-json.ts';
import { randomIds } from '../../../src/base/ids.ts';
import { createLog } from '../../../src/base/log.ts';
import { createMetrics } from '../../../src/base/metrics.ts';
import type { ApiResource, Cluster, ClusterObject } from '../../../src/cluster/cluster.ts';
import { connectCluster } from '../../../src/cluster/kubernetes.ts';
import { cleaningRules } from '../../../src/engine/restore/cleaning-rules.ts';
import { mappingRules } from '../../../src/engine/restore/mapping-rules.ts';
import { stepsOf } from '../../../src/engine/restore/pointers.ts';
import { everyKind, placesIn } from '../../../src/engine/restore/rule.ts';
import { readOptions } from '../../../src/options.ts';
import type { Options } from '../../../src/options.ts';
import { runPlayground } from '../../../src/playground.ts';
import { apiResource } from '../memory-cluster.ts';
import { forever } from '../workbench.ts';

const rules = [...cleaningRules, ...mappingRules];
const log = createLog('silent');

/** Kinds of the playground, with the fields that each of them takes. */
const kinds: readonly (ApiResource & { readonly fields: readonly string[] })[] = [
  { ...apiResource({ resource: 'configmaps', kind: 'ConfigMap' }), fields: ['data'] },
  { ...apiResource({ resource: 'secrets', kind: 'Secret' }), fields: [] },
  { ...apiResource({ resource: 'services', kind: 'Service' }), fields: ['spec'] },
  { ...apiResource({ resource: 'serviceaccounts', kind: 'ServiceAccount' }), fields: [] },
  { ...apiResource({ resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' }), fields: ['spec'] },
  { ...apiResource({ resource: 'pods', kind: 'Pod' }), fields: ['spec'] },
  { ...apiResource({ group: 'apps', resource: 'deployments', kind: 'Deployment' }), fields: ['spec'] },
  { ...apiResource({ group: 'apps', resource: 'statefulsets', kind: 'StatefulSet' }), fields: ['spec'] },
  { ...apiResource({ group: 'apps', resource: 'daemonsets', kind: 'DaemonSet' }), fields: ['spec'] },
  { ...apiResource({ group: 'batch', resource: 'jobs', kind: 'Job' }), fields: ['spec'] },
  { ...apiResource({ group: 'batch', resource: 'cronjobs', kind: 'CronJob' }), fields: ['spec'] },
  { ...apiResource({ group: 'networking.k8s.io', resource: 'networkpolicies', kind: 'NetworkPolicy' }), fields: ['spec'] },
  { ...apiResource({ group: 'networking.k8s.io', resource: 'ingresses', kind: 'Ingress' }), fields: ['spec'] },
];
const namespaces = apiResource({ resource: 'namespaces', kind: 'Namespace', namespaced: false });
const own = { group: 'backup.kylon.io', version: 'v1alpha1' };
const backups = apiResource({ ...own, resource: 'backups', kind: 'Backup' });
const restores = apiResource({ ...own, resource: 'restores', kind: 'Restore' });

/** Words that the rules look for, among any others. */
const key = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'spec',
      'template',
      'namespace',
      'clusterIP',
      'nodePort',
      'uid',
      'name',
      'status',
      '__proto__',
      'a/b~c',
      '*',
    ),
  },
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('', 'None', 'from', 'null', '\u2028\u0000\u{1f642}"\\'),
);
const number = fc.oneof(
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const { fields } = fc.letrec<{ value: unknown; fields: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ depthSize: 'large', maxDepth: 12 }, scalar, tie('fields'), fc.array(tie('value'), { maxLength: 4 })),
  fields: fc.dictionary(key, tie('value'), { maxKeys: 5 }),
}));

const texts = fc.dictionary(key, text, { maxKeys: 8 });

/** Some of what the rules are about, in the right places. */
const claimSpec = fc.record({ storageClassName: fc.constantFrom('slow', 'other'), volumeName: text }, { requiredKeys: [] });
const selector = fc.constantFrom({}, { matchLabels: { 'kubernetes.io/metadata.name': 'from' } }, { matchLabels: { app: 'from' } });
const podSpec = fc.record(
  {
    nodeName: text,
    priority: fc.integer(),
    volumes: fc.array(fc.record({ name: fc.constantFrom('kube-api-access-x', 'data'), emptyDir: fields }), { maxLength: 3 }),
    containers: fc.array(
      fc.record({ name: text, volumeMounts: fc.array(fc.record({ name: fc.constantFrom('kube-api-access-x', 'data') })) }),
    ),
    affinity: fc.record({
      podAffinity: fc.record({
        requiredDuringSchedulingIgnoredDuringExecution: fc.array(fc.record({ namespaces: fc.array(text), namespaceSelector: selector })),
      }),
    }),
  },
  { requiredKeys: [] },
);
const template = fc.record({ metadata: fc.record({ labels: fc.constant({ app: 'x', 'controller-uid': 'u' }) }), spec: podSpec });
const special: Readonly<Record<string, fc.Arbitrary<object>>> = {
  services: fc.record(
    {
      clusterIP: fc.constantFrom('None', '10.0.0.1'),
      clusterIPs: fc.array(text),
      ports: fc.array(fc.record({ port: fc.integer(), nodePort: fc.integer() }), { maxLength: 3 }),
      healthCheckNodePort: fc.integer(),
    },
    { requiredKeys: [] },
  ),
  persistentvolumeclaims: claimSpec,
  pods: podSpec,
  'deployments.apps': fc.record({ template }),
  'statefulsets.apps': fc.record({ template, volumeClaimTemplates: fc.array(fc.record({ spec: claimSpec }), { maxLength: 2 }) }),
  'jobs.batch': fc.record({ template, selector: fields }, { requiredKeys: ['template'] }),
  'cronjobs.batch': fc.record({ jobTemplate: fc.record({ spec: fc.record({ template }) }) }),
  'networkpolicies.networking.k8s.io': fc.record({
    ingress: fc.array(fc.record({ from: fc.array(fc.record({ namespaceSelector: selector })) })),
  }),
};

const keyOf = ({ group, resource }: ApiResource) => (group ? `${resource}.${group}` : resource);
const plain = {
  annotations: fc.dictionary(fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/), fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
  labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.stringMatching(/^[a-z0-9]{0,9}$/), { maxKeys: 3 }),
};
const optional = { requiredKeys: [] };
const object = fc.constantFrom(...kinds).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    metadata:
      kind.resource === 'configmaps'
        ? fc.record({ ...plain, finalizers: fc.constant(['example.com/stays']) }, optional)
        : fc.record(plain, optional),
    content: fc.tuple(
      ...kind.fields.map((field) =>
        fc.tuple(fc.constant(field), field === 'data' ? texts : fields, special[keyOf(kind)] ?? fc.constant({})),
      ),
    ),
  }),
);
type Drawn = typeof object extends fc.Arbitrary<infer T> ? T : never;

/** Long names among them, as long as there may be. */
const nameOf = (index: number) =>
  (index % 5 === 0 ? `n${index}-${'x'.repeat(253)}`.slice(0, 252) : `n${index}`) + (index % 5 === 0 ? 'z' : '');

function objectOf({ kind, metadata, content }: Drawn, namespace: string, name: string): ClusterObject {
  const drawn = content.map(([field, some, known]) => [field, { ...some, ...known }]);
  const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  return { apiVersion, kind: kind.kind, metadata: { ...metadata, name, namespace }, ...(Object.fromEntries(drawn) as object) };
}

/** Pointers to everything in which two values differ. */
function differences(a: unknown, b: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (textExactly(a) === textExactly(b)) return [];
  const isOpen = (one: unknown) => typeof one === 'object' && one !== null;
  if (!isOpen(a) || !isOpen(b) || Array.isArray(a) !== Array.isArray(b) || (Array.isArray(a) && a.length !== (b as unknown[]).length))
    return [at];
  const [one, other] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  const own = (owner: Record<string, unknown>, key: string) => (Object.hasOwn(owner, key) ? owner[key] : undefined);
  return [...keys].flatMap((key) => differences(own(one, key), own(other, key), [...at, key]));
}

/** Whether a rule says that this may differ. */
function isTold(resource: string, difference: readonly string[]): boolean {
  const places = rules
    .filter(({ resources }) => resources.includes(everyKind) || resources.includes(resource))
    .flatMap((rule) => placesIn(resource, rule.places));
  return [...places, '/metadata/ownerReferences'].some((place) =>
    stepsOf(place).every((step, index) => step === difference[index] || (step === '*' && /^\d+$/.test(difference[index] ?? ''))),
  );
}

describe('random objects through a backup and a restore', () => {
  const data = mkdtempSync(join(tmpdir(), 'kylon-property-'));
  const stop = new AbortController();
  let running: Promise<unknown>;
  let cluster: Cluster;

  beforeAll(async () => {
    const parts = { clock: systemClock, ids: randomIds, log, metrics: createMetrics(), env: {} };
    const options = readOptions(['--data', data, '--port', '0', '--log-level', 'silent'], {}) as Options;
    const ready = Promise.withResolvers<void>();
    running = runPlayground(options, parts, () => ready.resolve(), stop.signal).catch((error: unknown) => ready.reject(error as Error));
    await ready.promise;
    cluster = await connectCluster({ kubeconfig: join(data, 'kubeconfig') }, parts);
  });
  afterAll(async () => {
    await cluster?.close();
    stop.abort(new Error('the test is over'));
    await running;
    rmSync(data, { recursive: true, force: true });
  });

  const create = (resource: ApiResource, namespace: string, made: object) =>
    cluster.create(resource, namespace, made as ClusterObject, {}, forever);

  async function run(resource: ApiResource, namespace: string, name: string, spec: object): Promise<void> {
    const apiVersion = `${own.group}/${own.version}`;
    await create(resource, namespace, { apiVersion, kind: resource.kind, metadata: { name, namespace }, spec });
    await vi.waitFor(
      async () => {
        const { status } = (await cluster.get(resource, namespace, name, forever)) as { status?: object };
        expect(status).toMatchObject({ phase: 'Completed' });
      },
      { timeout: 20_000, interval: 50 },
    );
  }

  interface Saved {
    readonly kind: ApiResource;
    readonly before: ClusterObject;
  }

  /** Backs the drawn objects up in `from`, and restores them into `to`. */
  async function roundTrip(drawn: readonly Drawn[], from: string, to: string): Promise<Saved[]> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace' };
    await create(namespaces, '', { ...namespace, metadata: { name: from } });
    const saved: Saved[] = [];
    for (const [index, one] of drawn.entries())
      saved.push({ kind: one.kind, before: await create(one.kind, from, objectOf(one, from, nameOf(index))) });
    await run(backups, from, 'b', {});
    await create(namespaces, '', { ...namespace, metadata: { name: to } });
    await restore(from, to, 'Skip');
    return saved;
  }

  /** How many objects had which outcome. */
  async function restore(from: string, to: string, existingResourcePolicy: string): Promise<object> {
    const mappings = { namespaceMapping: { [from]: to }, storageClassMapping: { slow: 'fast' } };
    const name = `${existingResourcePolicy.toLowerCase()}-${restored++}`;
    await run(restores, to, name, { backupName: 'b', backupNamespace: from, existingResourcePolicy, ...mappings });
    const { status } = (await cluster.get(restores, to, name, forever)) as { status?: { counts: object } };
    return Object.fromEntries(Object.entries(status?.counts ?? {}).filter(([, count]) => count > 0));
  }

  async function untold(saved: readonly Saved[], to: string): Promise<string[]> {
    const faults: string[] = [];
    for (const { kind, before } of saved) {
      const after = await cluster.get(kind, to, before.metadata.name, forever);
      const found = differences(before, after ?? null).filter((difference) => !isTold(keyOf(kind), difference));
      faults.push(...found.map((difference) => `${keyOf(kind)} ${before.metadata.name}: /${difference.join('/')}`));
    }
    return faults;
  }

  /** Somebody gives every object the content of another one of its kind, or takes its own away, its finalizers too. */
  async function spoil(saved: readonly Saved[], to: string): Promise<void> {
    for (const [index, { kind, before }] of saved.entries()) {
      const live = await cluster.get(kind, to, before.metadata.name, forever);
      const other = saved.find((one, at) => at > index && one.kind === kind)?.before;
      const content = kind.resource === 'configmaps' ? { data: other?.['data'] ?? {} } : { spec: other?.['spec'] ?? {} };
      const { finalizers: _, ...kept } = (live as ClusterObject).metadata;
      const metadata = {
        ...kept,
        name: before.metadata.name,
        labels: { spoilt: 'yes' },
        annotations: other?.metadata['annotations'],
      };
      await cluster.update(kind, to, { ...(live as ClusterObject), ...content, metadata }, {}, forever);
    }
  }

  let round = 0;
  let restored = 0;

  it('changes nothing but what the document says, also where it was changed meanwhile', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(object, { minLength: 20, maxLength: 40 }), async (drawn) => {
        round += 1;
        const [from, to] = [`from-${round}`, `to-${round}`];
        const saved = await roundTrip(drawn, from, to);
        expect(await untold(saved, to)).toEqual([]);
        const all = { unchanged: saved.length + 1 }; // with the Namespace
        for (const policy of ['Skip', 'Update', 'Recreate']) expect(await restore(from, to, policy)).toEqual(all);
        for (const policy of ['Update', 'Recreate']) {
          await spoil(saved, to);
          await restore(from, to, policy);
          expect(await untold(saved, to)).toEqual([]);
        }
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });

  it('would see a change that it does not say', () => {
    expect(differences({ a: 1, b: [{ c: 1 }] }, { a: 1n, b: [{ c: 2 }], d: {} })).toEqual([['b', '0', 'c'], ['d']]);
    expect(isTold('configmaps', ['data', 'namespace'])).toBe(false);
    expect(isTold('configmaps', ['metadata', 'namespace'])).toBe(true);
    expect(isTold('services', ['spec', 'ports', '0', 'nodePort'])).toBe(true);
    expect(isTold('services', ['spec', 'ports', '0', 'port'])).toBe(false);
    expect(isTold('deployments.apps', ['spec', 'template', 'spec', 'volumes', '0', 'name'])).toBe(false);
  });
});
