/** Kinds that run pods, and those that let traffic reach them, for the playground. */
import { humanDuration } from '../machinery/views/human-duration.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { Column } from '../machinery/resource.ts';
import { open } from '../machinery/schema.ts';
import { valueAt } from '../machinery/views/value-at.ts';
import { column, everyday, joined, labelsAt, listAt, numberAt, textAt } from './everyday.ts';

const spec = open('What is to run.');
const status = open('What runs.');

const containers = (path: string, part: 'name' | 'image') => (object: KubeObject) =>
  joined(listAt(object, `${path}.spec.containers`).map((container) => textAt(container, part)));

const wideColumns = (path: string, selector: string): readonly Column[] => [
  column('+Containers', 'Names of its containers.', containers(path, 'name')),
  column('+Images', 'Images of its containers.', containers(path, 'image')),
  column('+Selector', 'Labels of its pods.', (object) => labelsAt(object, selector)),
];

const template = 'spec.template';
const wide = wideColumns(template, 'spec.selector.matchLabels');
const wanted = (object: KubeObject) => Number(textAt(object, 'spec.replicas', '1'));
const readyOfWanted = column(
  'Ready',
  'How many pods are ready, of how many.',
  (object) => `${numberAt(object, 'status.readyReplicas')}/${wanted(object)}`,
);
const number = (name: string, description: string, path: string) =>
  column(name, description, (object) => numberAt(object, path), 'integer');

export const appsKinds = everyday('apps', [
  {
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    categories: ['all'],
    description: 'A Deployment runs pods that are all alike and rolls out changes of them.',
    fields: { spec, status },
    columns: [
      readyOfWanted,
      number('Up-to-date', 'How many pods are of the newest form.', 'status.updatedReplicas'),
      number('Available', 'How many pods can be used.', 'status.availableReplicas'),
      ...wide,
    ],
  },
  {
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    categories: ['all'],
    description: 'A StatefulSet runs pods that keep their names and their storage.',
    fields: { spec, status },
    columns: [readyOfWanted, ...wide.slice(0, 2)],
  },
  {
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    categories: ['all'],
    description: 'A DaemonSet runs one pod on each node.',
    fields: { spec, status },
    columns: [
      number('Desired', 'How many pods there should be.', 'status.desiredNumberScheduled'),
      number('Current', 'How many pods there are.', 'status.currentNumberScheduled'),
      number('Ready', 'How many pods are ready.', 'status.numberReady'),
      number('Up-to-date', 'How many pods are of the newest form.', 'status.updatedNumberScheduled'),
      number('Available', 'How many pods can be used.', 'status.numberAvailable'),
      column('Node Selector', 'Labels of the nodes.', (set) => labelsAt(set, `${template}.spec.nodeSelector`)),
      ...wide,
    ],
  },
  {
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    categories: ['all'],
    description: 'A ReplicaSet keeps a number of pods running that are all alike.',
    fields: { spec, status },
    selectableFields: ['status.replicas'],
    columns: [
      column('Desired', 'How many pods there should be.', wanted, 'integer'),
      number('Current', 'How many pods there are.', 'status.replicas'),
      number('Ready', 'How many pods are ready.', 'status.readyReplicas'),
      ...wide,
    ],
  },
]);

function jobState(job: KubeObject): string {
  const holding = listAt(job, 'status.conditions').filter((condition) => valueAt(condition, 'status') === 'True');
  const state = ['Failed', 'Complete', 'Suspended'].find((type) => holding.some((condition) => valueAt(condition, 'type') === type));
  return state ?? (job.metadata.deletionTimestamp ? 'Terminating' : 'Running');
}

function jobDuration(job: KubeObject): string {
  const [start, end] = [Date.parse(textAt(job, 'status.startTime')), Date.parse(textAt(job, 'status.completionTime'))];
  return Number.isNaN(end - start) ? '' : humanDuration(end - start);
}

export const batchKinds = everyday('batch', [
  {
    kind: 'Job',
    plural: 'jobs',
    categories: ['all'],
    description: 'A Job runs pods until enough of them have succeeded.',
    fields: { spec, status },
    selectableFields: ['status.successful'],
    columns: [
      column('Status', 'How far the job is.', jobState),
      column(
        'Completions',
        'How many pods succeeded, of how many.',
        (job) => `${numberAt(job, 'status.succeeded')}/${textAt(job, 'spec.completions', '1')}`,
      ),
      column('Duration', 'How long it took.', jobDuration),
      ...wide,
    ],
  },
  {
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    categories: ['all'],
    description: 'A CronJob starts a Job at given times.',
    fields: { spec, status },
    columns: [
      column('Schedule', 'When jobs are started.', 'spec.schedule'),
      column('Timezone', 'Time zone of the schedule.', (job) => textAt(job, 'spec.timeZone', '<none>')),
      column('Suspend', 'Whether it is paused.', (job) => valueAt(job, 'spec.suspend') === true, 'boolean'),
      column('Active', 'How many jobs are running.', (job) => listAt(job, 'status.active').length, 'integer'),
      column('Last Schedule', 'Time since a job was started.', 'status.lastScheduleTime', 'date'),
      ...wideColumns('spec.jobTemplate.spec.template', 'spec.jobTemplate.spec.selector.matchLabels'),
    ],
  },
]);

const addresses = (ingress: KubeObject) =>
  listAt(ingress, 'status.loadBalancer.ingress')
    .map((entry) => textAt(entry, 'ip') || textAt(entry, 'hostname'))
    .join(',');

export const networkKinds = everyday('networking.k8s.io', [
  {
    kind: 'Ingress',
    plural: 'ingresses',
    shortNames: ['ing'],
    description: 'An Ingress leads requests from outside of the cluster to Services.',
    fields: { spec: open('Which requests go where.'), status: open('Addresses at which requests arrive.') },
    columns: [
      column('Class', 'Which controller serves it.', (ingress) => textAt(ingress, 'spec.ingressClassName', '<none>')),
      column('Hosts', 'Host names of the requests.', (ingress) => {
        const hosts = joined(listAt(ingress, 'spec.rules').map((rule) => textAt(rule, 'host')));
        return hosts === '<none>' ? '*' : hosts;
      }),
      column('Address', 'Where requests arrive.', addresses),
      column('Ports', 'Ports at which requests arrive.', (ingress) => (listAt(ingress, 'spec.tls').length > 0 ? '80, 443' : '80')),
    ],
  },
  {
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    shortNames: ['netpol'],
    description: 'A NetworkPolicy says which traffic pods may send and receive.',
    fields: { spec: open('Which pods, and which traffic.') },
    columns: [column('Pod-Selector', 'Labels of the pods.', (policy) => labelsAt(policy, 'spec.podSelector.matchLabels'))],
  },
]);
