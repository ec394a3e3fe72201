/** Kinds by which a cluster is set up: rights, custom kinds, classes of storage. For the playground. */
import type { KubeObject } from '../machinery/object.ts';
import { anything, open } from '../machinery/schema.ts';
import { valueAt } from '../machinery/views/value-at.ts';
import { column, everyday, listAt, textAt } from './everyday.ts';

const createdAt = column('Created At', 'When it was created.', 'metadata.creationTimestamp');

const subjects = (kind: string) => (binding: KubeObject) =>
  listAt(binding, 'subjects')
    .filter((subject) => valueAt(subject, 'kind') === kind)
    .map((subject) => [textAt(subject, 'namespace'), textAt(subject, 'name')].filter((part) => part !== '').join('/'))
    .join(', ');

const bindingFields = { subjects: anything('Who gets the rights.'), roleRef: anything('The role that holds the rights.') };
const bindingColumns = [
  column('Role', 'The role that holds the rights.', (binding) => `${textAt(binding, 'roleRef.kind')}/${textAt(binding, 'roleRef.name')}`),
  column('+Users', 'Users who get the rights.', subjects('User')),
  column('+Groups', 'Groups that get the rights.', subjects('Group')),
  column('+ServiceAccounts', 'Identities of programs that get the rights.', subjects('ServiceAccount')),
];
const rules = { nameForm: 'path' } as const;

export const rbacKinds = everyday('rbac.authorization.k8s.io', [
  {
    kind: 'Role',
    plural: 'roles',
    description: 'A Role is a set of rights in one namespace.',
    fields: { rules: anything('The rights.') },
    columns: [createdAt],
    rules,
  },
  {
    kind: 'RoleBinding',
    plural: 'rolebindings',
    description: 'A RoleBinding gives rights in one namespace to users and programs.',
    fields: bindingFields,
    columns: bindingColumns,
    rules,
  },
  {
    kind: 'ClusterRole',
    plural: 'clusterroles',
    cluster: true,
    description: 'A ClusterRole is a set of rights in all namespaces and outside of them.',
    fields: { rules: anything('The rights.'), aggregationRule: anything('Which other roles are put together here.') },
    columns: [createdAt],
    rules,
  },
  {
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    cluster: true,
    description: 'A ClusterRoleBinding gives rights everywhere to users and programs.',
    fields: bindingFields,
    columns: bindingColumns,
    rules,
  },
]);

export const extensionKinds = everyday('apiextensions.k8s.io', [
  {
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    cluster: true,
    description: 'A CustomResourceDefinition describes a kind of its own. The playground keeps it and serves no such kind.',
    fields: { spec: open('Group, names, scope, and schema of each version.'), status: open('Whether the kind is served.') },
    columns: [createdAt],
  },
]);

export const storageKinds = everyday('storage.k8s.io', [
  {
    kind: 'StorageClass',
    plural: 'storageclasses',
    shortNames: ['sc'],
    cluster: true,
    description: 'A StorageClass says how storage of one class is made.',
    fields: {
      provisioner: anything('Who makes the storage.'),
      parameters: anything('What it is told to make.'),
      reclaimPolicy: anything('What becomes of a volume after its claim.'),
      volumeBindingMode: anything('When a volume is made for a claim.'),
      allowVolumeExpansion: anything('Whether volumes may grow.'),
      mountOptions: anything('Options with which volumes are mounted.'),
      allowedTopologies: anything('Where volumes may lie.'),
    },
    columns: [
      column('Provisioner', 'Who makes the storage.', 'provisioner'),
      column('ReclaimPolicy', 'What becomes of a volume after its claim.', (storage) => textAt(storage, 'reclaimPolicy', 'Delete')),
      column('VolumeBindingMode', 'When a volume is made for a claim.', (storage) => textAt(storage, 'volumeBindingMode', 'Immediate')),
      column(
        'AllowVolumeExpansion',
        'Whether volumes may grow.',
        (storage) => valueAt(storage, 'allowVolumeExpansion') === true,
        'boolean',
      ),
    ],
  },
]);
