/** What of a live object was wished for, by its managedFields. */
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { wished } from '../../../src/engine/diff/managed-fields.ts';

const object = (content: object, managedFields?: object[]): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'a', ...(managedFields && { managedFields }) },
  ...content,
});
const owner = (manager: string, fieldsV1: object, subresource?: string) => ({
  manager,
  operation: 'Update',
  fieldsV1,
  ...(subresource && { subresource }),
});
const specOf = (live: object, saved: object, owners: object[]) => wished(object({ spec: live }, owners), object({ spec: saved }))['spec'];

describe('wished', () => {
  it('takes an object whose fields nobody manages as it is', () => {
    const live = object({ spec: { added: 1 } });
    expect(wished(live, object({ spec: {} }))).toBe(live);
  });

  it('leaves out what nobody owns, which is a default, and what controllers and subresources own', () => {
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:mine': {} } }),
      owner('kube-controller-manager', { 'f:spec': { 'f:theirs': {} } }),
      owner('cert-manager-controller', { 'f:spec': { 'f:other': {} } }),
      owner('kubectl', { 'f:spec': { 'f:scaled': {} } }, 'scale'),
    ];
    expect(specOf({ old: 1, mine: 2, theirs: 3, other: 4, scaled: 5, fallback: 6 }, { old: 0 }, owners)).toEqual({ old: 1, mine: 2 });
  });

  it('keeps what two own where one of them is a user', () => {
    const owners = [owner('kubectl', { 'f:spec': { 'f:both': {} } }), owner('kubelet', { 'f:spec': { 'f:both': {} } })];
    expect(specOf({ both: 1 }, {}, owners)).toEqual({ both: 1 });
  });

  it('keeps a change of what was saved, whoever made it, but for what status alone writes', () => {
    const owners = [owner('hpa', { 'f:spec': { 'f:replicas': {} } }, 'scale'), owner('kcm', { 'f:spec': { 'f:revision': {} } }, 'status')];
    expect(specOf({ replicas: 3, revision: '2' }, { replicas: 1, revision: '1' }, owners)).toEqual({ replicas: 3, revision: '1' });
  });

  it('looks into new maps: what a user added of them stays', () => {
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:labels': { '.': {}, 'f:a': {} }, 'f:whole': {} } }),
      owner('kubelet', { 'f:spec': { 'f:labels': { 'f:b': {} }, 'f:node': { '.': {}, 'f:x': {} } } }),
    ];
    const live = { labels: { a: '1', b: '2' }, whole: { any: { thing: 1 } }, node: { x: 1 } };
    expect(specOf(live, {}, owners)).toEqual({ labels: { a: '1' }, whole: { any: { thing: 1 } } });
  });

  it('tells items of lists apart by their keys', () => {
    const port = (number: number, more = {}) => ({ port: number, protocol: 'TCP', ...more });
    const key = (number: number) => `k:{"port":${number},"protocol":"TCP"}`;
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:ports': { '.': {}, [key(80)]: { '.': {}, 'f:port': {}, 'f:protocol': {} } } } }),
      owner('kubelet', { 'f:spec': { 'f:ports': { [key(81)]: { '.': {}, 'f:port': {}, 'f:protocol': {} } } } }),
    ];
    const live = { ports: [port(79, { nodePort: 3 }), port(80), port(81), port(82)] };
    expect(specOf(live, { ports: [port(79)] }, owners)).toEqual({ ports: [port(79), port(80)] });
  });

  it('tells values of sets apart, and takes other lists as one value', () => {
    const owners = [
      owner('kubectl', { 'f:spec': { 'f:set': { '.': {}, 'v:"mine"': {} } } }),
      owner('kubelet', { 'f:spec': { 'f:set': { 'v:"theirs"': {} } } }),
    ];
    expect(specOf({ set: ['old', 'mine', 'theirs'], list: [2, 3] }, { set: ['old'], list: [1] }, owners)).toEqual({
      set: ['old', 'mine'],
      list: [2, 3],
    });
  });
});
