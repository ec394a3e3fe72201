/** A cluster's worth of objects: many kinds, a CustomResourceDefinition among them, that stay as they are written. */
import { comparable } from './comparable.ts';
import type { KubeObject, Kubectl } from './kubectl.ts';
import type { Proxy } from './proxy.ts';

export const widgetDefinition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.kylon-e2e.example.test' },
  spec: {
    group: 'kylon-e2e.example.test',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
};

/** Plural with group, as kubectl takes it, of everything that `populationOf` makes. Those first are made first. */
export const kinds = [
  'serviceaccounts',
  'configmaps',
  'secrets',
  'services',
  'persistentvolumeclaims',
  'resourcequotas',
  'limitranges',
  'podtemplates',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'networkpolicies.networking.k8s.io',
  'ingresses.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'horizontalpodautoscalers.autoscaling',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'cronjobs.batch',
  'jobs.batch',
  'widgets.kylon-e2e.example.test',
] as const;

/** `many` ConfigMaps and half as many Secrets, and a few of every other kind. */
export function populationOf(namespace: string, many: number): KubeObject[] {
  return [
    ...times(3, (n) => object('v1', 'ServiceAccount', `account-${n}`, { automountServiceAccountToken: false })),
    ...times(many, (n) =>
      object('v1', 'ConfigMap', `settings-${n}`, { data: { number: String(n), text: 'é "quoted" \u2028 {}\n'.repeat(n % 7) } }),
    ),
    ...times(many / 2, (n) => object('v1', 'Secret', `secret-${n}`, { type: 'Opaque', data: { password: btoa(`${namespace}-${n}`) } })),
    ...times(10, (n) =>
      object('v1', 'Service', `web-${n}`, { spec: { selector: { app: `web-${n}` }, ports: [{ name: 'http', port: 80 }] } }),
    ),
    ...times(2, (n) =>
      object('v1', 'PersistentVolumeClaim', `data-${n}`, {
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
      }),
    ),
    object('v1', 'ResourceQuota', 'quota', { spec: { hard: { pods: '1000' } } }),
    object('v1', 'LimitRange', 'limits', { spec: { limits: [{ type: 'Container', max: { memory: '8Gi' } }] } }),
    ...times(2, (n) => object('v1', 'PodTemplate', `template-${n}`, { template: podTemplate })),
    ...rbac(),
    ...network(),
    ...workloads(),
    ...times(40, (n) =>
      object('kylon-e2e.example.test/v1', 'Widget', `widget-${n}`, { spec: { size: n, deep: { list: [1, null, 'two', { three: 3.5 }] } } }),
    ),
  ].map(({ metadata, ...rest }): KubeObject => Object.assign(rest, { metadata: { ...metadata, namespace } }));
}

const object = (apiVersion: string, kind: string, name: string, fields: object): KubeObject => ({
  apiVersion,
  kind,
  metadata: {
    name,
    labels: { 'app.kubernetes.io/part-of': 'kylon-e2e' },
    annotations: { 'kylon-e2e.example.test/note': `this is ${name}` },
  },
  ...fields,
});

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

const podTemplate = {
  metadata: { labels: { app: 'kylon-e2e' } },
  spec: { containers: [{ name: 'main', image: 'example.test/none:1' }] },
};
const selector = { matchLabels: { app: 'kylon-e2e' } };

function rbac(): KubeObject[] {
  const group = 'rbac.authorization.k8s.io';
  return [
    ...times(3, (n) => object(`${group}/v1`, 'Role', `role-${n}`, { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] })),
    ...times(3, (n) =>
      object(`${group}/v1`, 'RoleBinding', `binding-${n}`, {
        roleRef: { apiGroup: group, kind: 'Role', name: `role-${n}` },
        subjects: [{ apiGroup: group, kind: 'User', name: `user-${n}` }],
      }),
    ),
  ];
}

function network(): KubeObject[] {
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web-0', port: { number: 80 } } } }] };
  return [
    ...times(2, (n) =>
      object('networking.k8s.io/v1', 'NetworkPolicy', `policy-${n}`, { spec: { podSelector: selector, policyTypes: ['Ingress'] } }),
    ),
    ...times(2, (n) =>
      object('networking.k8s.io/v1', 'Ingress', `site-${n}`, { spec: { rules: [{ host: `site-${n}.example.test`, http }] } }),
    ),
  ];
}

/** None of them makes pods: that is the business of a cluster with nodes. */
function workloads(): KubeObject[] {
  const jobTemplate = { spec: { ...podTemplate.spec, restartPolicy: 'Never' } };
  return [
    ...times(3, (n) => object('apps/v1', 'Deployment', `deployment-${n}`, { spec: { replicas: 0, selector, template: podTemplate } })),
    object('apps/v1', 'StatefulSet', 'set', { spec: { replicas: 0, serviceName: 'web-0', selector, template: podTemplate } }),
    object('apps/v1', 'DaemonSet', 'agents', {
      spec: {
        selector,
        template: { ...podTemplate, spec: { ...podTemplate.spec, nodeSelector: { 'kylon-e2e.example.test/none': 'true' } } },
      },
    }),
    object('policy/v1', 'PodDisruptionBudget', 'budget', { spec: { maxUnavailable: 1, selector } }),
    object('autoscaling/v2', 'HorizontalPodAutoscaler', 'scaler', {
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'deployment-0' } },
    }),
    ...times(2, (n) =>
      object('batch/v1', 'CronJob', `nightly-${n}`, {
        spec: { schedule: '0 3 * * *', suspend: true, jobTemplate: { spec: { template: jobTemplate } } },
      }),
    ),
    ...times(2, (n) => object('batch/v1', 'Job', `once-${n}`, { spec: { suspend: true, template: jobTemplate } })),
  ];
}

/** Creates them through the proxy, some at a time: kubectl would hold back at 50 a second. */
export async function createAll(proxy: Proxy, objects: readonly KubeObject[]): Promise<void> {
  const queue = objects.values();
  const one = async () => {
    for (const object of queue) await create(proxy, object);
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

async function create(proxy: Proxy, object: KubeObject): Promise<void> {
  const base = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const headers = { 'content-type': 'application/json' };
  const { namespace } = object.metadata;
  const reply = await proxy.send('POST', `${base}/${namespace ? `namespaces/${namespace}/` : ''}${pluralOf(object.kind)}`, {
    headers,
    body: JSON.stringify(object),
  });
  if (reply.status !== 201) throw new Error(`${object.kind} ${object.metadata.name}: ${reply.status} ${reply.text}`);
}

const pluralOf = (kind: string) => `${kind.toLowerCase().replace(/y$/, 'ie').replace(/s$/, 'se')}s`;

/**
 * Everything of these kinds in the namespaces, by key, but for the fields that a new object cannot share with the old one. A uid that
 * one object mentions of another, or of itself (a Job in its labels), is shown as the key of that object.
 */
export async function snapshotOf(kubectl: Kubectl, namespaces: readonly string[]): Promise<Map<string, unknown>> {
  const objects = (await Promise.all(namespaces.map((namespace) => kubectl.list(kinds.join(','), '-n', namespace)))).flat();
  const keys = new Map(objects.map((object) => [object.metadata.uid ?? '', keyOf(object)]));
  return new Map(objects.map((object) => [keyOf(object), withoutUids(comparable(object), keys)]));
}

const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace}/${metadata.name}`;

const withoutUids = (value: unknown, keys: ReadonlyMap<string, string>): unknown =>
  JSON.parse(
    JSON.stringify(value).replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (uid) => keys.get(uid) ?? uid),
  );
