/** The everyday kinds of the core group, for the playground. */
import type { KubeObject } from '../machinery/object.ts';
import { anything, map, open, text } from '../machinery/schema.ts';
import { valueAt } from '../machinery/views/value-at.ts';
import { column, countAt, everyday, joined, labelsAt, listAt, numberAt, textAt } from './everyday.ts';

/**
 * With a finalizer, so that it stays until the namespace controller has emptied it. A cluster keeps that one in spec.finalizers;
 * here it lies where every other kind has its own.
 */
function beginNamespace(namespace: KubeObject): KubeObject {
  const { metadata } = namespace;
  return {
    ...namespace,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name },
      finalizers: [...new Set([...(metadata.finalizers ?? []), 'kubernetes'])],
    },
    status: { phase: 'Active' },
  };
}

/** Text is kept in base64, as the rest of a Secret is. */
function mergeStringData({ stringData, ...secret }: KubeObject): KubeObject {
  const texts = Object.entries((stringData ?? {}) as Record<string, unknown>);
  const encoded = texts.map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')]);
  const data = { ...(secret['data'] as Record<string, unknown> | undefined), ...Object.fromEntries(encoded) };
  return { ...secret, type: secret['type'] ?? 'Opaque', ...(Object.keys(data).length > 0 && { data }) };
}

const modes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const accessModes = (volume: KubeObject) =>
  listAt(volume, 'spec.accessModes')
    .map((mode) => modes[String(mode)] ?? String(mode))
    .join(',');

function ports(service: KubeObject): string {
  return joined(
    listAt(service, 'spec.ports').map((port) => {
      const node = textAt(port, 'nodePort');
      return `${textAt(port, 'port')}${node && `:${node}`}/${textAt(port, 'protocol', 'TCP')}`;
    }),
  );
}

function externalAddress(service: KubeObject): string {
  const given = listAt(service, 'status.loadBalancer.ingress').map((entry) => textAt(entry, 'ip') || textAt(entry, 'hostname'));
  const fixed = listAt(service, 'spec.externalIPs').map(String);
  if (valueAt(service, 'spec.type') === 'ExternalName') return textAt(service, 'spec.externalName');
  const waiting = valueAt(service, 'spec.type') === 'LoadBalancer' && given.length + fixed.length === 0;
  return waiting ? '<pending>' : joined([...given, ...fixed]);
}

function readyContainers(pod: KubeObject): string {
  const ready = listAt(pod, 'status.containerStatuses').filter((status) => valueAt(status, 'ready') === true).length;
  return `${ready}/${listAt(pod, 'spec.containers').length}`;
}

const restarts = (pod: KubeObject) =>
  listAt(pod, 'status.containerStatuses').reduce<number>((sum, status) => sum + numberAt(status, 'restartCount'), 0);

const phaseUnlessGoing = (object: KubeObject) => (object.metadata.deletionTimestamp ? 'Terminating' : textAt(object, 'status.phase'));

export const coreKinds = everyday('', [
  {
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    cluster: true,
    description: 'A Namespace is a place for the names of other objects.',
    fields: { spec: open('Who has to act before the namespace may go.'), status: open('Whether the namespace is Active or Terminating.') },
    selectableFields: ['status.phase'],
    columns: [column('Status', 'Whether it is in use or going.', phaseUnlessGoing)],
    rules: { nameForm: 'label', prepareForCreate: beginNamespace },
  },
  {
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    description: 'A ConfigMap holds settings for programs.',
    fields: {
      data: map('The settings, as text by name.', text('One value.')),
      binaryData: map('Settings that are no text, in base64 by name.', text('One value.')),
      immutable: anything('Whether the settings may never change again.'),
    },
    columns: [column('Data', 'How many settings there are.', (map) => countAt(map, 'data') + countAt(map, 'binaryData'), 'integer')],
  },
  {
    kind: 'Secret',
    plural: 'secrets',
    description: 'A Secret holds what programs need and others must not see.',
    fields: {
      data: map('The secret values, in base64 by name.', text('One value.')),
      stringData: map('Values as text by name; they are moved into data.', text('One value.')),
      type: anything('What the secret is for. Default: Opaque.'),
      immutable: anything('Whether the values may never change again.'),
    },
    selectableFields: ['type'],
    columns: [
      column('Type', 'What it is for.', 'type'),
      column('Data', 'How many values there are.', (secret) => countAt(secret, 'data'), 'integer'),
    ],
    rules: { prepareForCreate: mergeStringData, prepareForUpdate: mergeStringData },
  },
  {
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    description: 'A Service gives pods one address.',
    fields: { spec: open('Which pods, on which ports.'), status: open('Addresses outside of the cluster.') },
    selectableFields: ['spec.clusterIP', 'spec.type'],
    columns: [
      column('Type', 'How it can be reached.', (service) => textAt(service, 'spec.type', 'ClusterIP')),
      column('Cluster-IP', 'Address inside of the cluster.', (service) => textAt(service, 'spec.clusterIP', '<none>')),
      column('External-IP', 'Address outside of the cluster.', externalAddress),
      column('Port(s)', 'Ports that it listens on.', ports),
      column('+Selector', 'Labels of its pods.', (service) => labelsAt(service, 'spec.selector')),
    ],
  },
  {
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    description: 'A ServiceAccount is the identity of programs.',
    fields: {
      secrets: anything('Secrets that programs of this identity may use.'),
      imagePullSecrets: anything('Secrets for fetching images.'),
      automountServiceAccountToken: anything('Whether pods get a token of this identity by themselves.'),
    },
    columns: [column('Secrets', 'How many secrets it names.', (account) => listAt(account, 'secrets').length, 'integer')],
  },
  {
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    description: 'An Event says what happened to an object.',
    fields: {
      involvedObject: open('The object that it is about.'),
      reason: anything('What happened, in one word.'),
      message: anything('What happened, for people.'),
      source: anything('Who noticed.'),
      firstTimestamp: anything('When it happened first.'),
      lastTimestamp: anything('When it happened last.'),
      count: anything('How often it happened.'),
      type: anything('Normal or Warning.'),
      eventTime: anything('When it was noticed.'),
      series: anything('How often it happened, for those that go on.'),
      action: anything('What was done about it.'),
      related: anything('Another object that has to do with it.'),
      reportingComponent: anything('Which controller noticed.'),
      reportingInstance: anything('Which instance of the controller noticed.'),
    },
    selectableFields: [
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.resourceVersion',
      'involvedObject.fieldPath',
      'reason',
      'reportingComponent',
      'type',
    ],
    columns: [
      column('Last Seen', 'Time since it happened last.', (event) => textAt(event, 'lastTimestamp') || textAt(event, 'eventTime'), 'date'),
      column('Type', 'Normal or Warning.', 'type'),
      column('Reason', 'What happened, in one word.', 'reason'),
      column(
        'Object',
        'What it is about.',
        (event) => `${textAt(event, 'involvedObject.kind').toLowerCase()}/${textAt(event, 'involvedObject.name')}`,
      ),
      column('Message', 'What happened.', (event) => textAt(event, 'message').trim()),
    ],
  },
  {
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    shortNames: ['pvc'],
    description: 'A PersistentVolumeClaim asks for storage.',
    fields: { spec: open('How much storage, of which class.'), status: open('What was found.') },
    columns: [
      column('Status', 'Whether storage was found.', phaseUnlessGoing),
      column('Volume', 'The volume that was found.', 'spec.volumeName'),
      column('Capacity', 'Its size.', (claim) => textAt(claim, 'status.capacity.storage')),
      column('Access Modes', 'How it can be mounted.', (claim) => joined([accessModes(claim)])),
      column('StorageClass', 'Class of storage.', 'spec.storageClassName'),
      column('+VolumeMode', 'Whether it is a file system or a block device.', 'spec.volumeMode'),
    ],
  },
  {
    kind: 'PersistentVolume',
    plural: 'persistentvolumes',
    shortNames: ['pv'],
    cluster: true,
    description: 'A PersistentVolume is a piece of storage.',
    fields: { spec: open('Where it lies and how big it is.'), status: open('Whether it is in use.') },
    columns: [
      column('Capacity', 'Its size.', 'spec.capacity.storage'),
      column('Access Modes', 'How it can be mounted.', accessModes),
      column('Reclaim Policy', 'What becomes of it after its claim.', 'spec.persistentVolumeReclaimPolicy'),
      column('Status', 'Whether it is in use.', phaseUnlessGoing),
      column('Claim', 'Who uses it.', (volume) =>
        valueAt(volume, 'spec.claimRef') ? `${textAt(volume, 'spec.claimRef.namespace')}/${textAt(volume, 'spec.claimRef.name')}` : '',
      ),
      column('StorageClass', 'Class of storage.', 'spec.storageClassName'),
      column('Reason', 'Why it is in its state.', 'status.reason'),
      column('+VolumeMode', 'Whether it is a file system or a block device.', 'spec.volumeMode'),
    ],
  },
  {
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    categories: ['all'],
    description: 'A Pod is a group of containers that run together.',
    fields: { spec: open('What is to run.'), status: open('What runs.') },
    selectableFields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'status.phase',
      'status.podIP',
    ],
    columns: [
      column('Ready', 'How many containers are ready, of how many.', readyContainers),
      column('Status', 'How far the pod is.', (pod) => phaseUnlessGoing(pod) || 'Unknown'),
      column('Restarts', 'How often containers were started again.', restarts, 'integer'),
      column('+IP', 'Its address.', (pod) => textAt(pod, 'status.podIP', '<none>')),
      column('+Node', 'Where it runs.', (pod) => textAt(pod, 'spec.nodeName', '<none>')),
    ],
  },
]);
