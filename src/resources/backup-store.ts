/** BackupStore: a further place for data, and whether it can be used. */
import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../machinery/errors.ts';
import { valueFaults } from '../machinery/input/schema-faults.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineResource } from '../machinery/resource.ts';
import type { Column } from '../machinery/resource.ts';
import { choice, integer, list, object, optional, text, time } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import type { AccessAttributes } from '../machinery/user.ts';
import { labelNameFaults, subdomainFaults } from '../machinery/writing/names.ts';
import { check } from './check.ts';
import { dataFinalizer, group, version } from './group.ts';
import { condition } from './status.ts';
import { defaultStore, storeResource, usesStore } from './store-name.ts';

const credential = object(
  "The Secret with the credentials. Its keys are the names of the variables that a server is given for --store, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Who names it has to be allowed to get it. Default: Kylon's own credentials, where the URL names no endpoint.",
  { namespace: text('Namespace of the Secret.'), name: text('Name of the Secret.') },
);

const spec = object('Where the store is, and with which rights it is used. What lies in it is encrypted as the default store is.', {
  url: text('URL of the store, in a form that --store of the server takes. It cannot be changed.', { minLength: 1, maxLength: 2048 }),
  credential: optional(credential),
  caBundle: optional(
    text('Certificates in PEM form, as base64, that are trusted beside those of the system; for s3:// only.', {
      format: 'byte',
      maxLength: 256 * 1024,
    }),
  ),
});

const status = object('Whether the store can be used. Written by Kylon alone.', {
  phase: optional(
    choice('Available: the store was read and written, and kept its promises, when that was tried last; Unavailable: it was not.', [
      'Available',
      'Unavailable',
    ]),
  ),
  message: optional(text('Why it is Unavailable, for people.')),
  lastValidationTime: optional(time('When that was tried last.')),
  observedGeneration: optional(integer('The metadata.generation that this status is about.')),
  conditions: optional(
    list(
      'Available and Ready are True when the store can be used; Ready says so to tools that follow the conventions of kstatus.',
      condition('The aspect: Available or Ready.'),
      {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      },
    ),
  ),
});

export type BackupStoreSpec = Static<typeof spec>;
export type BackupStoreStatus = Static<typeof status>;
export interface BackupStore extends KubeObject {
  spec: BackupStoreSpec;
  status?: BackupStoreStatus;
}

const columns: readonly Column[] = [
  { name: 'Phase', type: 'string', description: 'Whether it can be used.', value: 'status.phase' },
  {
    name: 'Url',
    type: 'string',
    description: 'Where it is.',
    value: ({ spec }) => (spec as BackupStoreSpec | undefined)?.url.replace(/\?.*/s, ''),
  },
  { name: 'Validated', type: 'date', description: 'Time since that was tried.', value: 'status.lastValidationTime' },
  { name: 'Message', type: 'string', description: 'Why it cannot be used.', priority: 1, value: 'status.message' },
];

export const backupStores = defineResource({
  group,
  version,
  kind: 'BackupStore',
  plural: storeResource.resource,
  shortNames: ['bst'],
  // Not that of the others: whoever has rights in a namespace alone would get an error with `kubectl get kylon`.
  categories: [],
  namespaced: false,
  description:
    'A BackupStore is a further place for the data of Backups and Snapshots, which name it in spec.storeName. "default" shows the one that Kylon was started with, and cannot be changed. One that is used cannot be deleted.',
  fields: { spec, status: optional(status) },
  statusSubresource: true,
  columns,
  selectableFields: ['status.phase'],
  subresources: [check],
  rules: {
    nameForm: 'label',
    prepareForCreate: (store) => withFinalizer(store),
    validate: (store, old) =>
      valueFaults(spec, store.spec, 'spec').length > 0 || isDefault(store) ? [] : faultsOf(store as BackupStore, old as BackupStore),
    refuseWrite: (store) => (isDefault(store) ? `it shows the store that Kylon was started with, and follows its flags` : undefined),
    refuseDelete: (store) => (isDefault(store) ? 'it is the store that Kylon was started with' : undefined),
    rightsToCreate: (store) => rightsTo(store as BackupStore),
    rightsToUpdate: (store, old) => (isDeepStrictEqual(store.spec, old.spec) ? [] : rightsTo(store as BackupStore)),
    usedBy: {
      kinds: [
        { kind: 'Backup', resource: { group, resource: 'backups' } },
        { kind: 'Snapshot', resource: { group, resource: 'snapshots' } },
      ],
      uses: usesStore,
    },
  },
});

const isDefault = ({ metadata }: KubeObject) => metadata.name === defaultStore;

/** Until it is sure that nothing uses it. */
function withFinalizer(store: KubeObject): KubeObject {
  if (isDefault(store)) return store;
  const { finalizers = [] } = store.metadata;
  const others = finalizers.filter((finalizer) => finalizer !== dataFinalizer);
  return { ...store, metadata: { ...store.metadata, finalizers: [...others, dataFinalizer] } };
}

/** Whoever has Kylon use a Secret could read it by a store of their own. */
function rightsTo({ spec }: BackupStore): readonly AccessAttributes[] {
  if (spec.credential === undefined) return [];
  return [{ verb: 'get', group: '', version: 'v1', resource: 'secrets', ...spec.credential }];
}

/** Given a spec that the schema allows. */
function faultsOf({ spec }: BackupStore, old: BackupStore | undefined): readonly FieldError[] {
  const changed: readonly FieldError[] =
    old === undefined || old.spec.url === spec.url
      ? []
      : [{ field: 'spec.url', type: 'Forbidden', detail: 'it may not be changed: what lies in the store would be lost' }];
  return [...changed, ...urlFaults(spec), ...credentialFaults(spec), ...bundleFaults(spec)];
}

const beginnings = ['azure://', 'file://', 'gs://', 's3://'];

/** The value is not repeated: a password may stand in it by mistake. What more is wrong is told when it is opened. */
function urlFaults({ url: given, credential }: BackupStoreSpec): readonly FieldError[] {
  const faultOf = (detail: string): FieldError => ({ field: 'spec.url', type: 'Forbidden', detail });
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !beginnings.some((one) => given.startsWith(one))) return [faultOf(`must begin with ${beginnings.join(', ')}`)];
  if (url.username !== '' || url.password !== '')
    return [faultOf('holds a user name or password: they belong in the Secret of spec.credential')];
  if (url.searchParams.has('caFile')) return [faultOf('may not name a file of the server: the certificates stand in spec.caBundle')];
  if (url.searchParams.has('endpoint') && credential === undefined)
    return [{ field: 'spec.credential', type: 'Required value', detail: "an endpoint of its own never gets Kylon's own credentials" }];
  return [];
}

function credentialFaults({ url, credential }: BackupStoreSpec): readonly FieldError[] {
  if (credential === undefined) return [];
  const faultsIn = (field: string, value: string, details: readonly string[]) =>
    details.map((detail): FieldError => ({ field: `spec.credential.${field}`, type: 'Invalid value', value, detail }));
  return [
    ...(url.startsWith('file:') ? [{ field: 'spec.credential', type: 'Forbidden', detail: 'a folder has none' } as const] : []),
    ...faultsIn('namespace', credential.namespace, labelNameFaults(credential.namespace)),
    ...faultsIn('name', credential.name, subdomainFaults(credential.name)),
  ];
}

function bundleFaults({ url, caBundle }: BackupStoreSpec): readonly FieldError[] {
  const faultOf = (detail: string): readonly FieldError[] => [{ field: 'spec.caBundle', type: 'Forbidden', detail }];
  if (caBundle === undefined) return [];
  if (!url.startsWith('s3:')) return faultOf('may be used with s3:// only');
  return certificatesIn(caBundle).includes('-----BEGIN CERTIFICATE-----') ? [] : faultOf('holds no certificate in PEM form, as base64');
}

export const certificatesIn = (caBundle: string) => Buffer.from(caBundle, 'base64').toString();
