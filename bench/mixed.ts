/** The speed of a backup of what applications consist of, against the raw paged LISTs of the same objects. */
import { randomBytes } from 'node:crypto';
import { alternate, figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { each, timed } from './load.ts';
import type { Rig } from './rig.ts';
import { backUp, configMap, inNamespaces, listAll, namesOf } from './scene.ts';

export const mixedNames = ['backup-mixed'] as const;

const sources = namesOf('mixed', 8);

interface Sort {
  readonly api: string;
  readonly plural: string;
  /** Of a hundred objects. */
  readonly share: number;
  readonly object: (metadata: Metadata, n: number) => object;
}

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const role = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name });

const sorts: readonly Sort[] = [
  { api: '/api/v1', plural: 'configmaps', share: 30, object: ({ name, namespace }, n) => configMap(name, namespace, n) },
  {
    api: '/api/v1',
    plural: 'secrets',
    share: 20,
    object: (metadata) => ({ metadata, data: { password: randomBytes(300).toString('base64') } }),
  },
  { api: '/api/v1', plural: 'serviceaccounts', share: 12, object: (metadata) => ({ metadata }) },
  {
    api: '/api/v1',
    plural: 'services',
    share: 12,
    // Headless: a cluster has not that many addresses.
    object: (metadata) => ({
      metadata,
      spec: {
        clusterIP: 'None',
        ports: [
          { name: 'http', port: 80 },
          { name: 'metrics', port: 9090 },
        ],
      },
    }),
  },
  { api: '/apis/apps/v1', plural: 'deployments', share: 14, object: deployment },
  {
    api: rbac,
    plural: 'roles',
    share: 6,
    object: (metadata) => ({
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['get', 'list', 'watch'] }],
    }),
  },
  {
    api: rbac,
    plural: 'rolebindings',
    share: 6,
    object: (metadata) => ({
      metadata,
      roleRef: role(metadata.name),
      subjects: [{ kind: 'ServiceAccount', name: metadata.name, namespace: metadata.namespace }],
    }),
  },
];

/** Paused, so that no controller makes anything of it. */
function deployment(metadata: Metadata, n: number): object {
  const env = Array.from({ length: 10 }, (_, at) => ({ name: `SETTING_${at}`, value: `value ${n * at}` }));
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };
  const container = { name: 'web', image: `registry.example.test/shop/web:1.${n}`, ports: [{ containerPort: 8080 }], env, resources };
  const template = { metadata: { labels: metadata.labels }, spec: { serviceAccountName: metadata.name, containers: [container] } };
  return { metadata, spec: { paused: true, replicas: 0, selector: { matchLabels: { app: metadata.name } }, template } };
}

export async function benchMixed(
  { cluster }: Rig,
  { objects, rounds }: { readonly objects: number; readonly rounds: number },
): Promise<Figure> {
  return inNamespaces(cluster, async (make) => {
    await make(sources);
    const work = sorts.flatMap((sort) => objectsOf(sort, Math.round((objects * sort.share) / 100)));
    await each(32, work, ({ path, object }) => cluster.ask('POST', path, object));
    const resources = sorts.map(({ api, plural }) => [plural, ...api.split('/').slice(2, -1)].join('.'));
    const paths = sorts.flatMap((sort) => sources.map((namespace) => pathOf(sort, namespace)));
    let count = 0;
    const [value, againstValue] = await alternate(
      rounds,
      async () => work.length / (await timed(() => backUp(cluster, `mixed-${count++}`, sources, resources))),
      async () => work.length / (await timed(() => listAll(cluster, paths))),
    );
    return figure({ name: 'backup-mixed', value, unit: 'objects/s', against: 'paged LISTs', againstValue, goal: 0.8 });
  });
}

function objectsOf(sort: Sort, count: number) {
  return Array.from({ length: count }, (_, n) => {
    const namespace = sources[n % sources.length] ?? '';
    const name = `app-${n}`;
    return { path: pathOf(sort, namespace), object: sort.object({ name, namespace, labels: { app: name } }, n) };
  });
}

const pathOf = ({ api, plural }: Sort, namespace: string) => `${api}/namespaces/${namespace}/${plural}`;
