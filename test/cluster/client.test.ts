import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { ClusterError } from '../../src/cluster/cluster.ts';
import { connectCluster } from '../../src/cluster/kubernetes.ts';
import { createLog } from '../../src/base/log.ts';
import { hurriedClock, never, scriptedCluster, status } from './api-server.ts';

const pods = { group: '', version: 'v1', resource: 'pods', kind: 'Pod', singular: 'pod', shortNames: [], namespaced: true, verbs: [] };
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'x' } };

describe('requests', () => {
  it('are authenticated, and say who asks for what', async () => {
    await using server = await scriptedCluster(() => ({ body: pod }));
    expect(await server.cluster.get(pods, 'x', 'a', never)).toEqual(pod);
    const [request] = server.received;
    expect(request?.path).toBe('/api/v1/namespaces/x/pods/a');
    expect(request?.headers['authorization']).toEqual(['Bearer secret-token']);
  });

  it('turn a Status into a ClusterError in the words of the server, and 404 of a get into undefined', async () => {
    await using server = await scriptedCluster(({ method }) =>
      method === 'GET' ? status(404, 'NotFound', 'no such pod') : status(409, 'AlreadyExists', 'pods "a" already exists'),
    );
    expect(await server.cluster.get(pods, 'x', 'a', never)).toBeUndefined();
    const error = await server.cluster.create(pods, 'x', pod, {}, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ClusterError', code: 409, reason: 'AlreadyExists', message: 'pods "a" already exists' });
  });

  it('keep every digit of whole numbers, both ways', async () => {
    const text = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"},"spec":{"id":9007199254740993}}`;
    await using server = await scriptedCluster(() => ({ body: text }));
    const read = await server.cluster.get(pods, 'x', 'a', never);
    expect(read?.['spec']).toEqual({ id: 9007199254740993n });
    await server.cluster.update(pods, 'x', read!, {}, never);
    expect(server.received[1]?.body).toBe(text);
  });

  it('quote answers that are no Status', async () => {
    await using server = await scriptedCluster(() => ({ status: 502, body: 'bad gateway' }));
    await expect(server.cluster.get(pods, 'x', 'a', never)).rejects.toThrow(
      'GET /api/v1/namespaces/x/pods/a was answered 502: bad gateway',
    );
  });

  it('wait as long as the server says, then try again: reads after 429 and 503, writes after 429 alone', async () => {
    const clock = hurriedClock();
    let busy = 2;
    await using server = await scriptedCluster(({ method }) => {
      if (method === 'PUT') return { status: 503, headers: { 'Retry-After': '1' } };
      return busy-- > 0 ? { status: method === 'GET' ? 503 : 429, headers: { 'Retry-After': '3' } } : { body: pod };
    }, clock);
    expect(await server.cluster.get(pods, 'x', 'a', never)).toEqual(pod);
    busy = 1;
    expect(await server.cluster.create(pods, 'x', pod, {}, never)).toEqual(pod);
    expect(clock.slept).toEqual([3000, 3000, 3000]);
    await expect(server.cluster.update(pods, 'x', pod, {}, never)).rejects.toMatchObject({ code: 503, retryAfter: 1 });
    expect(server.received.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('give up on a server that stays busy', async () => {
    await using server = await scriptedCluster(() => ({ status: 429, headers: { 'Retry-After': '1' } }));
    await expect(server.cluster.get(pods, 'x', 'a', never)).rejects.toMatchObject({ code: 429 });
    expect(server.received).toHaveLength(6);
  });

  it('repeat a read once when the connection is lost, and never a write', async () => {
    await using server = await scriptedCluster((_, response) => {
      response.socket?.resetAndDestroy();
      return undefined;
    });
    await expect(server.cluster.get(pods, 'x', 'a', never)).rejects.toMatchObject({ code: 0 });
    expect(server.received).toHaveLength(2);
    await expect(server.cluster.create(pods, 'x', pod, {}, never)).rejects.toBeInstanceOf(ClusterError);
    expect(server.received).toHaveLength(3);
  });

  it('end with the reason of the signal, while the server is silent', async () => {
    await using server = await scriptedCluster(() => undefined);
    const stop = new AbortController();
    const asked = server.cluster.get(pods, 'x', 'a', stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await expect(asked).rejects.toThrow('enough');
  });

  it('end at their deadline', async () => {
    const clock = hurriedClock();
    const soon: Clock = { ...clock, sleep: (ms, signal) => clock.sleep(Math.min(ms, 30), signal) };
    await using server = await scriptedCluster(() => undefined, soon);
    await expect(server.cluster.get(pods, 'x', 'a', never)).rejects.toThrow('was not answered within 60 s');
  });

  it('carry the impersonated user', async () => {
    await using server = await scriptedCluster(() => ({ body: pod }));
    const cluster = server.cluster.as({ name: 'jürgen', groups: ['a', 'b'], extra: { k: ['v'] } });
    await cluster.get(pods, 'x', 'a', never);
    await cluster.create(pods, 'x', pod, {}, never);
    expect(server.received).toHaveLength(2);
    for (const { headers } of server.received) {
      expect(Buffer.from(headers['impersonate-user']?.[0] ?? '', 'latin1').toString()).toBe('jürgen');
      expect(headers['impersonate-group']).toEqual(['a', 'b']);
      expect(headers['impersonate-extra-k']).toEqual(['v']);
      expect(headers['authorization']).toEqual(['Bearer secret-token']);
    }
  });
});

describe('writes', () => {
  it('ask for what the options say', async () => {
    await using server = await scriptedCluster(() => ({ body: pod }));
    const { cluster, received } = server;
    await cluster.create(pods, 'x', pod, { dryRun: true }, never);
    await cluster.update(pods, 'x', pod, {}, never);
    await cluster.patch(pods, 'x', 'a', { status: {} }, { subresource: 'status' }, never);
    await cluster.delete(pods, 'x', 'a', { uid: 'u-1', propagationPolicy: 'Foreground', dryRun: true }, never);
    expect(received.map(({ method, path, query }) => `${method} ${path}?${query.toString()}`)).toEqual([
      'POST /api/v1/namespaces/x/pods?fieldManager=kylon&dryRun=All',
      'PUT /api/v1/namespaces/x/pods/a?fieldManager=kylon',
      'PATCH /api/v1/namespaces/x/pods/a/status?fieldManager=kylon',
      'DELETE /api/v1/namespaces/x/pods/a?',
    ]);
    expect(received[2]?.headers['content-type']).toEqual(['application/merge-patch+json']);
    expect(JSON.parse(received[3]?.body ?? '')).toMatchObject({
      preconditions: { uid: 'u-1' },
      propagationPolicy: 'Foreground',
      dryRun: ['All'],
    });
  });

  it('put strange names into one part of the path', async () => {
    await using server = await scriptedCluster(() => ({ body: pod }));
    await server.cluster.get({ ...pods, group: 'g.io', namespaced: false }, '', 'a/b?c', never);
    expect(server.received[0]?.path).toBe('/apis/g.io/v1/pods/a%2Fb%3Fc');
  });
});

describe('connectCluster', () => {
  const parts = { clock: hurriedClock(), log: createLog('silent') };

  it('says that it is in no cluster', async () => {
    await expect(connectCluster('in-cluster', parts)).rejects.toThrow('KUBERNETES_SERVICE_HOST is not set');
  });

  it('names the file that it cannot read', async () => {
    await expect(connectCluster({ kubeconfig: '/nowhere/kubeconfig' }, parts)).rejects.toThrow('cannot read /nowhere/kubeconfig');
  });
});
