import { describe, expect, it } from 'vitest';
import { ask, master, start, whoami } from './running.ts';

const healthChecks = [
  { name: 'store', check: () => Promise.reject(new Error('does not answer')) },
  { name: 'index', check: () => Promise.resolve() },
];

describe('health', () => {
  it.each(['/healthz', '/livez', '/readyz'])('%s is ok, for anybody', async (path) => {
    const server = await start(whoami);
    const { status, body, headers } = await ask(server, path);
    expect([status, body, headers['content-type']]).toEqual([200, 'ok', 'text/plain; charset=utf-8']);
    expect((await ask(server, path, { method: 'HEAD' })).status).toBe(200);
    expect((await ask(server, path, { method: 'POST', as: master })).status).toBe(405);
  });

  it('does not take the server out of its Service when the store is down', async () => {
    const server = await start(whoami, { healthChecks });
    expect((await ask(server, '/readyz')).status).toBe(200);
    expect((await ask(server, '/livez')).status).toBe(200);
    const { status, body } = await ask(server, '/healthz');
    expect([status, body]).toEqual([500, '[+]ping ok\n[-]store failed: reason withheld\n[+]index ok\nhealthz check failed\n']);
  });

  it('tells more when asked', async () => {
    const server = await start(whoami, { healthChecks });
    expect((await ask(server, '/readyz?verbose')).body).toBe('[+]ping ok\n[+]shutdown ok\nreadyz check passed\n');
    expect((await ask(server, '/healthz?verbose&exclude=store&exclude=x')).body).toBe(
      '[+]ping ok\n[+]store excluded: ok\n[+]index ok\nwarn: some health checks cannot be excluded: no matches for "x"\nhealthz check passed\n',
    );
  });

  it('tells of single checks to those who may know', async () => {
    const server = await start(whoami, { healthChecks });
    expect((await ask(server, '/healthz/store')).status).toBe(403);
    expect((await ask(server, '/healthz/store', { as: master })).body).toBe('internal server error: does not answer\n');
    expect((await ask(server, '/readyz/ping', { as: master })).body).toBe('ok');
    expect((await ask(server, '/readyz/store', { as: master })).status).toBe(404);
  });
});
