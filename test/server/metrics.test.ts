import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/base/metrics.ts';
import { alice, ask, master, start, whoami } from './running.ts';

describe('/metrics', () => {
  it('tells the figures in the format of Prometheus to those who may', async () => {
    const metrics = createMetrics();
    metrics.counter('kylon_tests_total', 'Tests.', ['outcome'])({ outcome: 'good' });
    const server = await start(whoami, { metrics });
    const got = await ask(server, '/metrics', { as: master });
    expect(got.status).toBe(200);
    expect(got.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(got.body).toContain('# TYPE kylon_tests_total counter\nkylon_tests_total{outcome="good"} 1\n');
    expect((await ask(server, '/metrics', { as: master, method: 'HEAD' })).body).toBe('');
  });

  it('tells others nothing', async () => {
    const server = await start(whoami);
    expect((await ask(server, '/metrics', { as: alice })).status).toBe(403);
    expect((await ask(server, '/metrics')).status).toBe(403);
    expect((await ask(server, '/metrics', { as: alice })).body).toContain('cannot get path');
  });

  it('is exactly this path, and only read', async () => {
    const server = await start(whoami);
    expect((await ask(server, '/metrics', { as: master, method: 'POST' })).status).toBe(405);
    for (const path of ['/metrics/', '/Metrics', '/metrics/x'])
      expect((await ask(server, path, { as: master })).body, path).toContain('"path"');
  });
});
