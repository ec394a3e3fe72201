import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';
import { jsonAnswer } from '../../src/machinery/call.ts';
import type { Answer, Call } from '../../src/machinery/call.ts';
import { ask, master, open, serving, start, whoami } from './running.ts';

const things = '/apis/g/v1/namespaces/n/things';

describe('close (C21 C22)', () => {
  it('lets every request under way finish, with Connection: close', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    let underWay = 0;
    const server = await start(async () => {
      underWay += 1;
      await released;
      return jsonAnswer(200, '"done"');
    });
    const requests = Array.from({ length: 20 }, () => ask(server, things, { as: master, agent: new Agent({ keepAlive: true }) }));
    await expect.poll(() => underWay, { timeout: 10_000 }).toBe(20);
    const closed = server.close();
    await sleep(50);
    release();
    for (const { status, body, headers } of await Promise.all(requests)) {
      expect([status, body, headers['connection']]).toEqual([200, '"done"', 'close']);
    }
    await closed;
    await expect(ask(server, '/livez')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('fails none of the requests of a busy client while it waits to be left', async () => {
    const delay = 12_345;
    let left: () => void = () => {};
    const leaving = new Promise<void>((resolve) => (left = resolve));
    const clock: Clock = { ...systemClock, sleep: (ms, signal) => (ms === delay ? leaving : systemClock.sleep(ms, signal)) };
    const server = await start(whoami, { shutdownDelayMs: delay, clock });
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const seen: number[] = [];
    const enough = new AbortController();
    const busy = Promise.all(
      [1, 2, 3, 4].map(async () => {
        while (!enough.signal.aborted) seen.push((await ask(server, things, { as: master, agent })).status);
      }),
    );
    const closed = server.close();
    const before = seen.length;
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(before + 20);
    expect((await ask(server, '/readyz')).status).toBe(500);
    expect((await ask(server, '/livez')).status).toBe(200);
    enough.abort();
    await busy;
    expect(new Set(seen)).toEqual(new Set([200]));
    left();
    await closed;
    agent.destroy();
  });

  it('ends watches as if they were over, and cuts a download that does not end', async () => {
    const endless = (call: Call): Promise<Answer> =>
      Promise.resolve({
        status: 200,
        headers: { 'Content-Type': 'application/json' },
        body: (async function* () {
          yield `${call.verb}\n`;
          await new Promise(() => {});
        })(),
      });
    const server = await start(endless, { drainMs: 300 });
    const [watch, follow, download] = await Promise.all(
      ['?watch=1', '/x/log?follow=true', '/x/download'].map((rest) => open(server, `${things}${rest}`, { as: master })),
    );
    const texts = [watch, follow].map((response) => text(response!));
    const cut = expect(text(download!)).rejects.toThrow(/aborted/);
    await server.close();
    expect(await Promise.all(texts)).toEqual(['watch\n', 'get\n']);
    await cut;
  });

  it('does not send the clients of all watches away at the same moment', async () => {
    const paused: number[] = [];
    const clock: Clock = {
      ...systemClock,
      sleep: (ms, signal) => {
        if (ms === 100) paused.push(ms);
        return systemClock.sleep(ms, signal);
      },
    };
    const forever = (): Promise<Answer> =>
      Promise.resolve({
        status: 200,
        headers: {},
        body: (async function* () {
          yield 'begun';
          await new Promise(() => {});
        })(),
      });
    const server = await start(forever, { clock });
    const agent = new Agent({ keepAlive: true });
    const watches = await Promise.all(Array.from({ length: 250 }, () => open(server, `${things}?watch=1`, { as: master, agent })));
    const texts = watches.map((response) => text(response));
    await server.close();
    expect(new Set(await Promise.all(texts))).toEqual(new Set(['begun']));
    expect(paused).toHaveLength(2);
  });

  it('waits for none who has connected and says nothing, with TLS or before', { timeout: 10_000 }, async () => {
    const server = await start(whoami);
    const silent = connectTcp({ host: '127.0.0.1', port: server.port });
    const encrypted = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
    await Promise.all([once(silent, 'connect'), once(encrypted, 'secureConnect')]);
    expect((await ask(server, '/livez')).status).toBe(200);
    const ends = [silent, encrypted].map((socket) =>
      once(
        socket.on('error', () => {}),
        'close',
      ),
    );
    await server.close();
    await Promise.all(ends);
  });

  it('is done once, also when asked twice', async () => {
    const server = await start(whoami);
    expect(server.close()).toBe(server.close());
    await server.close();
  });
});

describe('startServer', () => {
  it('rejects when the port is taken', async () => {
    const { port } = await start(whoami);
    await expect(start(whoami, { port })).rejects.toThrow('is in use: choose another with --port N');
  });

  it('rejects when the address is not of this machine', async () => {
    await expect(start(whoami, { host: '192.0.2.1' })).rejects.toThrow(
      '--bind-address: cannot listen on 192.0.2.1: this machine does not have that address',
    );
  });

  it('rejects when the audit log cannot be opened', async () => {
    await expect(start(whoami, { auditFile: '/nowhere/audit.log' })).rejects.toThrow(
      '--audit-log: /nowhere/audit.log cannot be opened: its folder does not exist',
    );
  });

  it('rejects a certificate that is none', async () => {
    await expect(start(whoami, { cert: serving.cert, key: 'x' })).rejects.toThrow();
  });
});
