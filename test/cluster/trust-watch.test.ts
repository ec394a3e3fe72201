import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Received, Scripted } from './api-server.ts';
import { scriptedCluster, status } from './api-server.ts';

/** A server of the one ConfigMap, whose watches the test holds in its hands. */
function trustServer() {
  const state = { data: { ca: '1' } as Record<string, string> | undefined, version: 1, watches: [] as ServerResponse[] };
  const script = ({ query }: Received, response: ServerResponse): Scripted | undefined => {
    if (query.get('fieldSelector') !== 'metadata.name=extension-apiserver-authentication') return status(403, 'Forbidden', 'no');
    if (query.get('watch') !== 'true')
      return { body: { metadata: { resourceVersion: String(state.version) }, items: state.data ? [{ data: state.data }] : null } };
    response.writeHead(200).flushHeaders();
    state.watches.push(response);
    return undefined;
  };
  const send = (type: string, object: object) => state.watches.at(-1)?.write(`${JSON.stringify({ type, object })}\n`);
  return { state, script, send };
}

function stopAtEnd(): AbortSignal {
  const stop = new AbortController();
  onTestFinished(() => stop.abort(new Error('the test is over')));
  return stop.signal;
}

describe('watchTrust', () => {
  it('follows the ConfigMap', async () => {
    const { state, script, send } = trustServer();
    await using server = await scriptedCluster(script);
    const trust = await server.cluster.watchTrust(stopAtEnd());
    const changed = vi.fn();
    trust.onChange(changed);
    expect(trust.data()).toEqual({ ca: '1' });
    await vi.waitFor(() => expect(state.watches).toHaveLength(1));
    send('BOOKMARK', { metadata: { resourceVersion: '4' } });
    send('MODIFIED', { data: { ca: '1' } });
    send('MODIFIED', { data: { ca: '2' } });
    await vi.waitFor(() => expect(trust.data()).toEqual({ ca: '2' }));
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('keeps what it knows when the ConfigMap is deleted, and takes it up when it is back', async () => {
    const { state, script, send } = trustServer();
    await using server = await scriptedCluster(script);
    const trust = await server.cluster.watchTrust(stopAtEnd());
    await vi.waitFor(() => expect(state.watches).toHaveLength(1));
    state.data = undefined;
    send('DELETED', { data: { ca: '1' } });
    state.watches[0]?.end();
    await vi.waitFor(() => expect(state.watches).toHaveLength(2));
    expect([trust.data(), trust.isGone()]).toEqual([{ ca: '1' }, true]);
    send('ADDED', { data: { ca: '3' } });
    await vi.waitFor(() => expect(trust.data()).toEqual({ ca: '3' }));
    expect(trust.isGone()).toBe(false);
  });

  it.each([
    ['the connection breaks', (watch: ServerResponse) => watch.destroy()],
    ['the server ends the watch', (watch: ServerResponse) => watch.end()],
    [
      'history is gone',
      (watch: ServerResponse) => watch.write('{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"old"}}\n'),
    ],
  ])('reads again when %s', async (_, breakIt) => {
    const { state, script } = trustServer();
    await using server = await scriptedCluster(script);
    const trust = await server.cluster.watchTrust(stopAtEnd());
    await vi.waitFor(() => expect(state.watches).toHaveLength(1));
    state.data = { ca: '9' };
    breakIt(state.watches[0]!);
    await vi.waitFor(() => expect(trust.data()).toEqual({ ca: '9' }));
  });

  it('names the Role and the RoleBinding that are missing', async () => {
    await using server = await scriptedCluster(() => status(403, 'Forbidden', 'no way'));
    await expect(server.cluster.watchTrust(stopAtEnd())).rejects.toThrow(
      /rolebinding .*--role=extension-apiserver-authentication-reader.*no way/,
    );
  });

  it('does not start without the ConfigMap', async () => {
    const { state, script } = trustServer();
    state.data = undefined;
    await using server = await scriptedCluster(script);
    await expect(server.cluster.watchTrust(stopAtEnd())).rejects.toThrow('does not exist');
  });
});
