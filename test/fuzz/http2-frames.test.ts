/** The floods of HTTP/2 are what they say, seen by a server that speaks it: else a server that refuses them all would prove nothing. */
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, issue } from '../auth/pki.ts';
import { floods, framesIn, opening } from './http2-frames.ts';

describe('frames of HTTP/2', () => {
  let server: Http2SecureServer;
  const seen = { requests: 0, resets: 0, paths: new Set<string>() };

  beforeAll(async () => {
    server = createSecureServer(issue(authority('ca'), { cn: 'localhost', usage: 'server' }));
    server.on('request', (request, response) => {
      seen.requests += 1;
      seen.paths.add(request.url);
      request.on('aborted', () => (seen.resets += 1));
      response.on('error', () => {});
      response.end('ok');
    });
    server.on('sessionError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.close();
  });

  /** The frames that came, and `closed` where the server then ended the connection. */
  async function answerTo(bytes: Buffer): Promise<readonly string[]> {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => {});
    socket.write(bytes);
    await Promise.race([sleep(300), once(socket, 'close')]);
    const frames = framesIn(Buffer.concat(pieces));
    const isClosed = socket.closed;
    socket.destroy();
    return isClosed ? [...frames, 'closed'] : frames;
  }

  it('make a request that is answered', async () => {
    const frames = await answerTo(opening);
    expect(frames).toContain('headers');
    expect(frames).toContain('data');
    expect(frames).not.toContain('closed');
    expect([...seen.paths]).toEqual(['/livez']);
  });

  it('reset streams as fast as they open them', async () => {
    const before = seen.requests;
    const frames = await answerTo(Buffer.concat([opening, floods['rapid reset']?.(50) ?? Buffer.alloc(0)]));
    expect(seen.requests - before).toBeGreaterThan(1);
    expect(frames).toContain('headers');
  });

  it.each([
    ['SETTINGS', 'settings', 50],
    ['PING', 'ping', 50],
  ] as const)('of a flood of %s are each acknowledged', async (flood, type, size) => {
    const frames = await answerTo(Buffer.concat([opening, floods[flood]?.(size) ?? Buffer.alloc(0)]));
    expect(frames.filter((one) => one === type).length).toBeGreaterThanOrEqual(size);
  });

  it('of a flood of CONTINUATION make the server give up', async () => {
    expect(await answerTo(Buffer.concat([opening, floods['CONTINUATION']?.(500) ?? Buffer.alloc(0)]))).toContain('closed');
  });
});
