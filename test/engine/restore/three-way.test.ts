/** What Update makes of a live object. */
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { clean } from '../../../src/engine/restore/clean.ts';
import { covers, joinedReferences, threeWay } from '../../../src/engine/restore/three-way.ts';

const same = (name: string) => name;
const options = { preserveNodePorts: false, restoreStatus: false, keepVolume: false, mapNamespace: same, mapStorageClass: same };

type Fields = Record<string, unknown>;
const object = (fields: Fields, metadata: Fields = {}): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'a', ...metadata },
  ...fields,
});

/** Live, as its managers have set it; `live` has a uid and a resourceVersion too. */
const owned = (fields: Fields, entries: Fields, metadata: Fields = {}): ClusterObject =>
  object(fields, {
    uid: 'u',
    resourceVersion: '7',
    ...metadata,
    managedFields: Object.entries(entries).map(([who, fieldsV1]) => {
      const [manager, subresource] = who.split('/');
      return { manager, ...(subresource && { subresource }), operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 };
    }),
  });

const update = (wanted: ClusterObject, live: ClusterObject, resource = 'things') => threeWay(wanted, live, clean(resource, live, options));

describe('threeWay', () => {
  it('is the live object where nothing is to be changed', () => {
    const live = owned({ spec: { a: 1, list: [1, 2] }, status: { x: 1 } }, { kubectl: { 'f:spec': { 'f:a': {}, 'f:list': {} } } });
    expect(update(object({ spec: { a: 1, list: [1, 2] } }), live)).toEqual(live);
  });

  it('becomes what was saved, and keeps what the cluster knows it by', () => {
    const live = owned({ spec: { a: 2, b: 1 }, status: { x: 1 } }, { 'kubectl-edit': { 'f:spec': { 'f:a': {}, 'f:b': {} } } });
    expect(update(object({ spec: { a: 1, c: 1 } }), live)).toEqual({ ...live, spec: { a: 1, c: 1 } });
  });

  it.each([
    ['kube-controller-manager', true],
    ['cluster-autoscaler', true],
    ['manager', true],
    ['kubelet', true],
    ['cert-manager-webhook', false],
    ['kubectl-client-side-apply', false],
    ['kubectl', false],
    ['helm', false],
    ['kylon', false],
    ['kubectl/scale', true],
  ])('of what only the live object has, keeps what %s has set: %s', (manager, stays) => {
    const live = owned(
      { spec: { a: 1, b: { c: 1 } } },
      { kubectl: { 'f:spec': { 'f:a': {} } }, [manager]: { 'f:spec': { 'f:b': { 'f:c': {} } } } },
    );
    expect(update(object({ spec: { a: 1 } }), live)['spec']).toEqual(stays ? { a: 1, b: { c: 1 } } : { a: 1 });
  });

  it('keeps what nobody has set, and drops all of it where nobody keeps account', () => {
    const saved = object({ spec: { a: 1 } });
    expect(update(saved, owned({ spec: { a: 1, newer: 'default' } }, { kubectl: { 'f:spec': { 'f:a': {} } } }))['spec']).toEqual({
      a: 1,
      newer: 'default',
    });
    expect(update(saved, owned({ spec: { a: 1, newer: 'default' } }, {}))['spec']).toEqual({ a: 1 });
  });

  it('keeps of a part that users have set what a controller has added', () => {
    const live = owned(
      {},
      {
        kubectl: { 'f:metadata': { 'f:annotations': { '.': {}, 'f:mine': {} } } },
        'kube-controller-manager': { 'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } } },
      },
      { annotations: { mine: 'x', 'deployment.kubernetes.io/revision': '2' } },
    );
    expect(update(object({}), live).metadata['annotations']).toEqual({ 'deployment.kubernetes.io/revision': '2' });
  });

  it('merges lists whose entries have owners, and puts what stays where it was', () => {
    const live = owned(
      { spec: { containers: [{ name: 'sidecar' }, { name: 'web', image: 'new', added: 1 }, { name: 'debug' }] } },
      {
        kubectl: {
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {} },
              'k:{"name":"debug"}': { '.': {}, 'f:name': {} },
            },
          },
        },
        'mesh-operator': {
          'f:spec': { 'f:containers': { 'k:{"name":"sidecar"}': { '.': {}, 'f:name': {} }, 'k:{"name":"web"}': { 'f:added': {} } } },
        },
      },
    );
    expect(update(object({ spec: { containers: [{ name: 'web', image: 'old' }] } }), live)['spec']).toEqual({
      containers: [{ name: 'sidecar' }, { name: 'web', image: 'old', added: 1 }],
    });
  });

  it('merges sets by their values, and takes any other list as one value', () => {
    const live = owned(
      { set: ['user', 'controller', 'both'], atomic: [1, 2] },
      {
        kubectl: { 'f:set': { 'v:"user"': {}, 'v:"both"': {} }, 'f:atomic': {} },
        'x-controller': { 'f:set': { 'v:"controller"': {} } },
      },
    );
    expect(update(object({ set: ['both'], atomic: [3] }), live)).toMatchObject({ set: ['both', 'controller'], atomic: [3] });
  });

  it('keeps what a restore leaves out of objects: addresses, ports, tokens', () => {
    const saved = clean(
      'services',
      object({ spec: { clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30000 }], type: 'NodePort' } }),
      options,
    );
    const fields = { 'f:spec': { 'f:clusterIP': {}, 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { 'f:nodePort': {} } }, 'f:type': {} } };
    const live = owned({ spec: { clusterIP: '10.0.0.9', ports: [{ port: 80, nodePort: 31000 }], type: 'NodePort' } }, { kubectl: fields });
    expect(update(saved, live, 'services')).toEqual(live);
    const untold = object({ spec: live['spec'] }, { uid: 'u', resourceVersion: '7' });
    expect(update(saved, untold, 'services')).toEqual(untold);
  });

  it('takes no finalizer away, and no owner', () => {
    const one = { apiVersion: 'v1', kind: 'A', name: 'one', uid: '1' };
    const two = { apiVersion: 'v1', kind: 'A', name: 'two', uid: '2' };
    const live = owned({}, { kubectl: {} }, { finalizers: ['live/x'], ownerReferences: [one] });
    const { metadata } = update(object({}, { finalizers: ['saved/x'], ownerReferences: [two] }), live);
    expect(metadata).toMatchObject({ finalizers: ['live/x', 'saved/x'], ownerReferences: [one, two] });
  });
});

describe('joinedReferences', () => {
  const owner = (name: string, uid: string, controller = false) => ({
    apiVersion: 'v1',
    kind: 'A',
    name,
    uid,
    ...(controller && { controller }),
  });

  it('replaces a reference to an owner of that name that is gone', () => {
    expect(joinedReferences([owner('a', 'new')], [owner('b', 'b'), owner('a', 'old')])).toEqual([owner('b', 'b'), owner('a', 'new')]);
  });

  it('adds no second controller', () => {
    expect(joinedReferences([owner('a', 'a', true)], [owner('b', 'b', true)])).toEqual([owner('b', 'b', true)]);
  });
});

describe('covers', () => {
  it.each<[unknown, unknown, boolean]>([
    [{ a: 1, b: [{ c: 1, d: 2 }] }, { a: 1, b: [{ c: 1 }] }, true],
    [{ a: 1 }, { a: 2 }, false],
    [{ a: [1, 2] }, { a: [1] }, false],
    [undefined, {}, false],
  ])('%j has all of %j: %s', (live, wanted, expected) => expect(covers(live, wanted)).toBe(expected));
});
