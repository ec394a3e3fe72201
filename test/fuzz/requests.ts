/** What kubectl, client-go and the controllers send, as the ground from which cases depart. */
import type { Random } from '../simulation/random.ts';
import type { Draft, Who } from './draft.ts';
import { encoded } from './draft.ts';
import { foreign, objectNames } from './vocabulary.ts';

const group = '/apis/backup.kylon.io/v1alpha1';
const json = 'application/json';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface Kind {
  readonly root: string;
  readonly plural: string;
  readonly subresources: readonly string[];
  /** A body that is right, but for what is random in it. */
  readonly make: (random: Random, name: string) => object;
}

const kinds: readonly Kind[] = [
  {
    root: group,
    plural: 'backups',
    subresources: ['status', 'items', 'items/core/configmaps/fuzz-0/a', 'log', 'download', 'restore'],
    make: (random, name) => ({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Backup',
      metadata: metadata(random, name),
      spec: {
        includedResources: ['configmaps'],
        ...(random.chance(0.1) && { includedNamespaces: [foreign] }),
        ...(random.chance(0.5) && { ttl: '1h' }),
      },
    }),
  },
  {
    root: group,
    plural: 'restores',
    subresources: ['status', 'log', 'results'],
    make: (random, name) => ({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Restore',
      metadata: metadata(random, name),
      spec: {
        backupName: 'good',
        dryRun: true,
        ...(random.chance(0.1) && { backupNamespace: foreign }),
        existingResourcePolicy: random.pick(['Skip', 'Update', 'Recreate']),
      },
    }),
  },
  {
    root: '/api/v1',
    plural: 'configmaps',
    subresources: [],
    make: (random, name) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata(random, name),
      data: { key: String(random.bits()) },
    }),
  },
  {
    root: '/api/v1',
    plural: 'secrets',
    subresources: [],
    make: (random, name) => ({ apiVersion: 'v1', kind: 'Secret', metadata: metadata(random, name), data: { key: 'YQ==' } }),
  },
  {
    root: '/apis/apps/v1',
    plural: 'deployments',
    subresources: ['status'],
    make: (random, name) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata(random, name),
      spec: {
        replicas: random.below(3),
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    }),
  },
];

function metadata(random: Random, name: string): object {
  return {
    ...(random.chance(0.1) ? { generateName: `${name}-` } : { name }),
    ...(random.chance(0.3) && { labels: { a: random.pick(['b', 'c']) } }),
    ...(random.chance(0.05) && { finalizers: ['example.com/x'] }),
    ...(random.chance(0.1) && { resourceVersion: String(random.below(2000)) }),
    ...(random.chance(0.05) && { uid: '0ebfe1fd-d430-4fe4-8b27-9270e56b440d' }),
  };
}

// prettier-ignore
const documents = [
  '/', '/api', '/apis', '/apis/backup.kylon.io', group, '/api/v1', '/apis/apps/v1', '/version', '/openapi/v2', '/openapi/v3', `/openapi/v3${group}`, '/openapi/v3/api/v1',
  '/livez', '/readyz', '/healthz', '/livez/ping', '/metrics', '/swagger-2.0.0.pb-v1', '/logs', '/debug/pprof',
] as const;

const weights = {
  document: 8,
  get: 14,
  list: 14,
  watch: 3,
  create: 18,
  update: 12,
  jsonPatch: 8,
  mergePatch: 8,
  delete: 8,
  deletecollection: 1,
  review: 1,
};

/** One of them, right in itself. */
export function usual(random: Random, who: Who, ground: string): Draft {
  const what = random.weighted(weights);
  if (what === 'document') return draft(who, 'GET', random.pick(documents), { Accept: random.pick([json, discovery, `${json}, */*`]) });
  if (what === 'review')
    return draft(who, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { 'Content-Type': json }, Buffer.from('{}'));
  const kind = random.pick(kinds);
  const namespace = who === 'owner' ? ground : random.pick([ground, foreign]);
  const name = random.pick(kind.root === group ? [...objectNames, 'good'] : objectNames);
  const all = `${kind.root}/namespaces/${namespace}/${kind.plural}`;
  const one = `${all}/${name}`;
  const subresource = kind.subresources.length > 0 && random.chance(0.3) ? `/${random.pick(kind.subresources)}` : '';
  return {
    ...verbs[what](random, who, { kind, name, all: random.chance(0.1) ? `${kind.root}/${kind.plural}` : all, one: one + subresource }),
  };
}

interface Place {
  readonly kind: Kind;
  readonly name: string;
  readonly all: string;
  readonly one: string;
}

type Verb = Exclude<keyof typeof weights, 'document' | 'review'>;

const verbs: Readonly<Record<Verb, (random: Random, who: Who, place: Place) => Draft>> = {
  get: (random, who, { one }) => draft(who, random.chance(0.1) ? 'HEAD' : 'GET', one, { Accept: random.pick([json, table]) }),
  list: (random, who, { all }) =>
    draft(who, 'GET', all, { Accept: random.pick([json, table]), 'Accept-Encoding': 'gzip' }, undefined, listQuery(random)),
  watch: (random, who, { all }) =>
    draft(who, 'GET', all, { Accept: random.pick([json, table, '*/*']) }, undefined, ['watch=true', ...watchQuery(random)]),
  create: (random, who, { all, kind, name }) =>
    draft(who, 'POST', all, { 'Content-Type': json }, body(kind.make(random, name)), writeQuery(random)),
  update: (random, who, { one, kind, name }) =>
    draft(who, 'PUT', one, { 'Content-Type': json }, body(kind.make(random, name)), writeQuery(random)),
  jsonPatch: (random, who, { one }) => {
    const patch = [
      { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
      { op: 'test', path: '/metadata/name', value: 'a' },
    ];
    return draft(
      who,
      'PATCH',
      one,
      { 'Content-Type': 'application/json-patch+json' },
      body(patch.slice(0, random.between(1, 2))),
      writeQuery(random),
    );
  },
  mergePatch: (random, who, { one, kind, name }) => {
    const patch = random.chance(0.5) ? { metadata: { labels: { a: random.pick(['b', null]) } } } : kind.make(random, name);
    return draft(who, 'PATCH', one, { 'Content-Type': 'application/merge-patch+json' }, body(patch), writeQuery(random));
  },
  delete: (random, who, { one }) => {
    const options = random.chance(0.5)
      ? { propagationPolicy: 'Background' }
      : { gracePeriodSeconds: 5, propagationPolicy: 'Foreground', preconditions: { uid: 'x' } };
    return draft(who, 'DELETE', one, { 'Content-Type': json }, random.chance(0.3) ? undefined : body(options));
  },
  deletecollection: (random, who, { all }) =>
    draft(who, 'DELETE', all, {}, undefined, ['labelSelector=a%3Dc', ...(random.chance(0.5) ? ['dryRun=All'] : [])]),
};

const listQuery = (random: Random): string[] =>
  random.pick([
    [],
    ['limit=500'],
    ['limit=1'],
    ['labelSelector=a%3Db', 'limit=500'],
    ['fieldSelector=metadata.name%3Da'],
    ['resourceVersion=0'],
    ['limit=2', 'resourceVersion=1', 'resourceVersionMatch=Exact'],
  ]);

const watchQuery = (random: Random): string[] =>
  random.pick([
    ['resourceVersion=0', 'timeoutSeconds=1'],
    ['allowWatchBookmarks=true', 'resourceVersionMatch=NotOlderThan', 'sendInitialEvents=true'],
    ['resourceVersion=1', 'timeoutSeconds=400'],
    ['fieldSelector=metadata.name%3Da'],
  ]);

const writeQuery = (random: Random): string[] =>
  random.pick([
    ['fieldManager=kubectl-create', 'fieldValidation=Strict'],
    ['fieldManager=kubectl', 'fieldValidation=Strict', 'dryRun=All'],
    ['fieldValidation=Warn'],
    [],
  ]);

const body = (value: unknown) => Buffer.from(JSON.stringify(value));

function draft(
  who: Who,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: Buffer,
  query: readonly string[] = [],
): Draft {
  return { who, method, path, query: [...query], headers: Object.entries(headers), body, chunked: false };
}

export const parameter = (name: string, value: string): string => `${encoded(name)}=${encoded(value)}`;
