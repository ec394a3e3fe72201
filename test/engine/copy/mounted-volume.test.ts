/** Which container has a volume as a whole. */
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { mountedIn } from '../../../src/engine/copy/mounted-volume.ts';

type Mount = Record<string, unknown>;

function pod(containers: Record<string, readonly Mount[]>, more: { ended?: readonly string[]; metadata?: object } = {}): ClusterObject {
  const names = Object.keys(containers);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', ...more.metadata },
    spec: {
      volumes: [
        { name: 'v', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'cache', emptyDir: {} },
      ],
      containers: names.map((name) => ({ name, image: `${name}:1`, volumeMounts: containers[name] })),
    },
    status: {
      phase: 'Running',
      containerStatuses: names.map((name) => ({ name, state: more.ended?.includes(name) ? { terminated: {} } : { running: {} } })),
    },
  };
}

const whole = { name: 'v', mountPath: '/data' };
const elsewhere = { name: 'cache', mountPath: '/cache' };

describe('a volume in a Pod', () => {
  it('is found in the container that mounts it, among several', () => {
    const found = mountedIn(pod({ proxy: [elsewhere], app: [elsewhere, { ...whole, readOnly: true }] }), 'data');
    expect(found).toEqual({ pod: 'web', container: 'app', image: 'app:1', path: '/data', isReadOnly: true });
  });

  it.each([
    ['a part of it', [{ ...whole, subPath: 'db' }]],
    ['a part of it by a name of its own', [{ ...whole, subPathExpr: '$(POD)' }]],
    ['something else below it', [whole, { name: 'cache', mountPath: '/data/cache' }]],
    ['something else in its place', [whole, { name: 'cache', mountPath: '/data/' }]],
    ['what the runtime mounts below it', [{ ...whole, mountPath: '/etc' }]],
    ['all of the container below it', [{ ...whole, mountPath: '/' }]],
    ['not mounted', [elsewhere]],
  ])('is not taken where the container has %s', (_, mounts) => {
    expect(mountedIn(pod({ app: mounts }), 'data')).toBeUndefined();
  });

  it('is taken beside a folder whose name begins as its own', () => {
    expect(mountedIn(pod({ app: [whole, { name: 'cache', mountPath: '/data-cache' }] }), 'data')).toBeDefined();
  });

  it('is not taken from what has ended, or is going', () => {
    expect(mountedIn(pod({ app: [whole] }, { ended: ['app'] }), 'data')).toBeUndefined();
    expect(mountedIn(pod({ app: [whole] }, { metadata: { deletionTimestamp: 'now' } }), 'data')).toBeUndefined();
    expect(mountedIn(pod({ app: [whole] }), 'other')).toBeUndefined();
  });
});
