/** What Update makes of a live object, and what of it counts in a comparison. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { clean } from '../../../src/engine/restore/clean.ts';
import { joinedReferences, withUidsOf } from '../../../src/engine/restore/owner-references.ts';
import { countedOf, covers, threeWay } from '../../../src/engine/restore/three-way.ts';

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

  it('leaves alone what only a status write has set, but for the status itself', () => {
    const fields = { 'f:metadata': { 'f:annotations': { 'f:revision': {} } }, 'f:status': { 'f:x': {} } };
    const live = owned({ status: { x: 2 } }, { 'kube-controller-manager/status': fields }, { annotations: { revision: '2' } });
    const wanted = object({ status: { x: 1 } }, { annotations: { revision: '1' } });
    const updated = threeWay(wanted, live, clean('things', live, { ...options, restoreStatus: true }));
    expect(updated).toMatchObject({ metadata: { annotations: { revision: '2' } }, status: { x: 1 } });
  });

  it('takes away the whole of an entry that a user has added, with what others have put into it', () => {
    const live = owned(
      { spec: { containers: [{ name: 'web' }, { name: 'debug', image: 'x', injected: 1, fallback: 2 }] } },
      {
        kubectl: {
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': { '.': {}, 'f:name': {} },
              'k:{"name":"debug"}': { '.': {}, 'f:name': {}, 'f:image': {} },
            },
          },
        },
        'mesh-operator': { 'f:spec': { 'f:containers': { 'k:{"name":"debug"}': { 'f:injected': {} } } } },
      },
    );
    const wanted = object({ spec: { containers: [{ name: 'web' }] } });
    expect(update(wanted, live)['spec']).toEqual(wanted['spec']);
    expect(countedOf(wanted, live, clean('things', live, options))['spec']).toEqual({
      containers: [{ name: 'web' }, { name: 'debug', image: 'x' }],
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

const owner = (manager: string, fieldsV1: object, subresource?: string) => ({
  manager,
  operation: 'Update',
  fieldsV1,
  ...(subresource && { subresource }),
});

/** Of the spec; what counts is no difference exactly where an update changes nothing. */
function countOf(live: Fields, saved: Fields, managedFields: object[]): unknown {
  const [wanted, now] = [object({ spec: saved }), object({ spec: live }, { managedFields })];
  const counted = countedOf(wanted, now, clean('things', now, options));
  expect(isDeepStrictEqual(counted, wanted)).toBe(isDeepStrictEqual(threeWay(wanted, now, clean('things', now, options)), now));
  return counted['spec'];
}

describe('countedOf', () => {
  it('takes an object whose fields nobody manages as it is', () => {
    expect(countOf({ old: 1, added: 1 }, { old: 1 }, [])).toEqual({ old: 1, added: 1 });
  });

  it('leaves out what nobody owns, which is a default, and what controllers and subresources own', () => {
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:mine': {} } }),
      owner('kube-controller-manager', { 'f:spec': { 'f:theirs': {} } }),
      owner('cert-manager-controller', { 'f:spec': { 'f:other': {} } }),
      owner('kubectl', { 'f:spec': { 'f:scaled': {} } }, 'scale'),
    ];
    expect(countOf({ old: 1, mine: 2, theirs: 3, other: 4, scaled: 5, fallback: 6 }, { old: 0 }, owners)).toEqual({ old: 1, mine: 2 });
  });

  it('keeps what two own where one of them is a user', () => {
    const owners = [owner('kubectl', { 'f:spec': { 'f:both': {} } }), owner('kubelet', { 'f:spec': { 'f:both': {} } })];
    expect(countOf({ both: 1 }, {}, owners)).toEqual({ both: 1 });
  });

  it('keeps a change of what was saved, whoever made it, but for what status alone writes', () => {
    const owners = [owner('hpa', { 'f:spec': { 'f:replicas': {} } }, 'scale'), owner('kcm', { 'f:spec': { 'f:revision': {} } }, 'status')];
    expect(countOf({ replicas: 3, revision: '2' }, { replicas: 1, revision: '1' }, owners)).toEqual({ replicas: 3, revision: '1' });
  });

  it('looks into new maps: what a user added of them stays', () => {
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:labels': { '.': {}, 'f:a': {} }, 'f:whole': {} } }),
      owner('kubelet', { 'f:spec': { 'f:labels': { 'f:b': {} }, 'f:node': { '.': {}, 'f:x': {} } } }),
    ];
    const live = { labels: { a: '1', b: '2' }, whole: { any: { thing: 1 } }, node: { x: 1 } };
    expect(countOf(live, {}, owners)).toEqual({ labels: { a: '1' }, whole: { any: { thing: 1 } } });
  });

  it('tells items of lists apart by their keys', () => {
    const port = (number: number, more = {}) => ({ port: number, protocol: 'TCP', ...more });
    const key = (number: number) => `k:{"port":${number},"protocol":"TCP"}`;
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:ports': { '.': {}, [key(80)]: { '.': {}, 'f:port': {}, 'f:protocol': {} } } } }),
      owner('kubelet', { 'f:spec': { 'f:ports': { [key(81)]: { '.': {}, 'f:port': {}, 'f:protocol': {} } } } }),
    ];
    const live = { ports: [port(79, { nodePort: 3 }), port(80), port(81), port(82)] };
    expect(countOf(live, { ports: [port(79)] }, owners)).toEqual({ ports: [port(79), port(80)] });
  });

  it('tells values of sets apart, and takes other lists as one value', () => {
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:set': { '.': {}, 'v:"mine"': {} } } }),
      owner('kubelet', { 'f:spec': { 'f:set': { 'v:"theirs"': {} } } }),
    ];
    expect(countOf({ set: ['old', 'mine', 'theirs'], list: [2, 3] }, { set: ['old'], list: [1] }, owners)).toEqual({
      set: ['old', 'mine'],
      list: [2, 3],
    });
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

describe('withUidsOf', () => {
  it('takes the uid of the owner of that name and group, and leaves others', () => {
    const owner = (name: string, uid: string, apiVersion = 'g/v1') => ({ apiVersion, kind: 'A', name, uid });
    expect(withUidsOf([owner('a', 'new', 'g/v2')], [owner('a', 'old'), owner('b', 'b'), owner('a', 'c', 'other/v1')])).toEqual([
      owner('a', 'new'),
      owner('b', 'b'),
      owner('a', 'c', 'other/v1'),
    ]);
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
