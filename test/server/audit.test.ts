import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { withoutSecrets } from '../../src/server/audit.ts';
import { alice, ask, master, proxy, start, whoami } from './running.ts';

const thing = '/apis/g/v1/namespaces/n/things/x';

async function audited() {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const auditFile = join(folder, 'audit.log');
  const server = await start(whoami, { auditFile });
  const events = async () => {
    await server.close();
    expect((await stat(auditFile)).mode & 0o777).toBe(0o600);
    return (await readFile(auditFile, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { server, events };
}

it('says who did what and what came of it', async () => {
  const { server, events } = await audited();
  const headers = {
    'Audit-ID': 'id-1',
    'User-Agent': 'kubectl/v1',
    'X-Forwarded-For': '10.0.0.1, 10.0.0.2',
    'X-Remote-User': 'root',
    'X-Remote-Group': 'system:masters',
  };
  await ask(server, `${thing}/status?a=1`, { as: proxy, headers, method: 'PUT', body: '{"password":"hunter2"}' });
  const [event] = await events();
  expect(event).toEqual({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: 'id-1',
    stage: 'ResponseComplete',
    requestURI: `${thing}/status?a=1`,
    verb: 'update',
    user: { username: 'root', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['10.0.0.1', '10.0.0.2', '127.0.0.1'],
    userAgent: 'kubectl/v1',
    objectRef: { resource: 'things', namespace: 'n', name: 'x', apiGroup: 'g', apiVersion: 'v1', subresource: 'status' },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    stageTimestamp: expect.stringMatching(/\.\d{6}Z$/),
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'member of system:masters' },
  });
});

it('believes nobody but the proxy about where a request came from, and shows refusals', async () => {
  const { server, events } = await audited();
  await ask(server, thing, { as: alice, headers: { 'X-Forwarded-For': '10.0.0.1' } });
  await ask(server, thing, { headers: { Authorization: 'Bearer wrong-token' } });
  await ask(server, thing, { as: master, headers: { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' } });
  await ask(server, '/readyz');
  const all = await events();
  expect(all.map(({ responseStatus, sourceIPs }) => [(responseStatus as { code: number }).code, sourceIPs])).toEqual([
    [403, ['127.0.0.1']],
    [401, ['127.0.0.1']],
    [200, ['127.0.0.1']],
  ]);
  expect(all[1]?.['user']).toEqual({});
  expect(all[2]).toMatchObject({ user: { username: 'root' }, impersonatedUser: { username: 'bob' } });
  expect(JSON.stringify(all)).not.toContain('wrong-token');
});

it('tells when a long one begins, and when it ends', async () => {
  const { server, events } = await audited();
  await ask(server, '/apis/g/v1/things?watch=1', { as: master });
  expect((await events()).map(({ stage, verb }) => [stage, verb])).toEqual([
    ['ResponseStarted', 'watch'],
    ['ResponseComplete', 'watch'],
  ]);
});

it('hides what is secret in a query', () => {
  expect(withoutSecrets('/a?b=1&access_token=x&%74oken=y&Password=&c')).toBe(
    '/a?b=1&access_token=REDACTED&token=REDACTED&Password=REDACTED&c',
  );
  expect(withoutSecrets('/a')).toBe('/a');
});
