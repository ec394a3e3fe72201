import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { connectUser } from '../../src/cluster/user-connection.ts';
import type { ClusterUser } from '../../src/cluster/cluster.ts';
import { never, scriptedCluster } from './api-server.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kylon-user-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Entry {
  readonly name: string;
  readonly server: string;
  readonly namespace?: string;
  /** Whom the user of this kubeconfig impersonates. */
  readonly as?: string;
}

function file(name: string, current: string, entries: readonly Entry[]): string {
  const path = join(folder, name);
  const config = {
    'current-context': current,
    clusters: entries.map(({ name, server }) => ({ name, cluster: { server, 'insecure-skip-tls-verify': true } })),
    users: entries.map(({ name, as }) => ({ name, user: { token: `token-${name}`, ...(as && { as }) } })),
    contexts: entries.map(({ name, namespace }) => ({ name, context: { cluster: name, user: name, namespace } })),
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const connect = (kubeconfigs: readonly string[], more: { context?: string; as?: ClusterUser } = {}) =>
  connectUser({ kubeconfigs, context: more.context }, { clock: systemClock, log: createLog('silent'), userAgent: 'test', as: more.as });

describe('several kubeconfigs', () => {
  const one = () => file('one', 'a', [{ name: 'a', server: 'http://a:1', namespace: 'of-a' }]);
  const two = () =>
    file('two', 'b', [
      { name: 'a', server: 'http://other:1' },
      { name: 'b', server: 'http://b:1' },
    ]);

  it('are one: what the first says counts, and what is missing says nothing', async () => {
    const { server, namespace } = await connect([join(folder, 'missing'), one(), two()]);
    expect([server.host, namespace]).toEqual(['a:1', 'of-a']);
    const chosen = await connect([one(), two()], { context: 'b' });
    expect([chosen.server.host, chosen.namespace]).toEqual(['b:1', undefined]);
  });

  it('are refused where the context, or every file, is missing', async () => {
    await expect(connect([one()], { context: 'none' })).rejects.toThrow('context "none" does not exist');
    await expect(connect([join(folder, 'missing')])).rejects.toThrow(/cannot read .*missing: it does not exist/);
    const unchosen = file('three', '', [{ name: 'a', server: 'http://a:1' }]);
    await expect(connect([unchosen])).rejects.toThrow('no context of it is chosen');
  });
});

describe('a connection of a user', () => {
  it('asks in the name that it is given, whomever the kubeconfig impersonates', async () => {
    await using scripted = await scriptedCluster(() => ({ body: {} }));
    const server = await serverOf(scripted.kubeconfig);
    const path = file('as', 'a', [{ name: 'a', server, as: 'robot' }]);
    const users = [undefined, { name: 'alice', groups: ['g'], extra: {} }];
    for (const as of users) {
      const { client, close } = await connect([path], as && { as });
      await client.json({ path: '/version' }, never);
      close();
    }
    expect(scripted.received.map(({ headers }) => headers['impersonate-user'])).toEqual([['robot'], ['alice']]);
    expect(scripted.received[1]?.headers).toMatchObject({
      authorization: ['Bearer token-a'],
      'user-agent': ['test'],
      'impersonate-group': ['g'],
    });
  });

  it('ends what it reads as soon as nobody wants it, however silent the server is', async () => {
    await using scripted = await scriptedCluster((_, response) => {
      response.writeHead(200);
      response.write('first');
      return undefined;
    });
    const { client, close } = await connect([scripted.kubeconfig]);
    const stop = new AbortController();
    const { status, body } = await client.open({ path: '/log' }, stop.signal);
    expect(status).toBe(200);
    const read = async () => {
      for await (const piece of body) if (piece.toString() === 'first') stop.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
    close();
  });

  it('leaves it to the caller what an answer means', async () => {
    await using scripted = await scriptedCluster(() => ({ status: 404, body: 'gone' }));
    const { client, close } = await connect([scripted.kubeconfig]);
    const { status, whole } = await client.open({ path: '/log' }, never);
    expect([status, (await whole()).toString()]).toEqual([404, 'gone']);
    await expect(client.stream({ path: '/log' }, never)).rejects.toThrow('GET /log was answered 404: gone');
    close();
  });
});

async function serverOf(kubeconfig: string): Promise<string> {
  const { server, close } = await connect([kubeconfig]);
  close();
  return server.href;
}
