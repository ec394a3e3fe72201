import { describe, expect, it } from 'vitest';
import type { Script } from '../cluster/api-server.ts';
import { against, backup, base, event, isWatch } from './scripted.ts';

describe('describe', () => {
  it('shows all Events, the last one last', async () => {
    const happened = (reason: string, time: object) => ({ type: 'Normal', reason, message: 'x', ...time });
    const pages = [
      { metadata: { continue: 'c' }, items: [happened('Second', { lastTimestamp: '2026-01-01T00:00:02Z' })] },
      {
        metadata: {},
        items: [happened('Third', { eventTime: '2026-01-01T00:00:03.5Z' }), happened('First', { lastTimestamp: '2026-01-01T00:00:01Z' })],
      },
    ];
    const { stdout } = await against(
      ({ path, query }) => ({ body: path.endsWith('/events') ? pages[query.get('continue') ? 1 : 0] : backup({}) }),
      'backup describe x',
    );
    expect([...stdout.matchAll(/Normal +(\w+)/g)].map(([, reason]) => reason)).toEqual(['First', 'Second', 'Third']);
  });
});

describe('verify, hold and diff', () => {
  it('say what the server found', async () => {
    const passed = backup({ verification: { phase: 'Passed' } });
    expect(await against(() => ({ body: passed }), 'backup verify x')).toMatchObject({
      code: 0,
      stdout: 'backup.backup.kylon.io/x verification Passed\n',
    });
    const failed = backup({
      verification: {
        phase: 'Failed',
        faultCount: 9,
        faults: [{ file: 'items', item: 'configmaps/namespaces/a/b', message: 'is missing' }, { message: 'other' }],
      },
    });
    expect(await against(() => ({ body: failed }), 'backup verify x')).toMatchObject({
      code: 1,
      stdout: 'backup.backup.kylon.io/x verification Failed\n  items: configmaps/namespaces/a/b: is missing\n  other\n  … and 7 more\n',
    });
  });

  it('wait for a verification that takes longer', async () => {
    const { code, received } = await against((request) => {
      if (request.method === 'POST') return { body: backup({ verification: { phase: 'InProgress' } }) };
      if (!isWatch(request)) return { body: backup({ items: 4, verification: { phase: 'InProgress', items: 1 } }) };
      return { body: event('MODIFIED', backup({ verification: { phase: 'Passed' } })) };
    }, 'backup verify x --wait');
    expect(code).toBe(0);
    expect(received[0]).toMatchObject({ method: 'POST', path: `${base}/backups/x/verify` });
  });

  it('hold and release', async () => {
    const held = await against(() => ({ body: {} }), ['backup', 'hold', 'x', '--reason', 'audit 2026']);
    expect(held).toMatchObject({ code: 0, stdout: 'backup.backup.kylon.io/x held\n' });
    expect(held.received[0]).toMatchObject({ method: 'PUT', path: `${base}/backups/x/hold` });
    expect(JSON.parse(held.received[0]?.body ?? '')).toEqual({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'BackupHold',
      reason: 'audit 2026',
    });
    const released = await against(() => ({ body: {} }), 'backup release x');
    expect(released.received[0]).toMatchObject({ method: 'DELETE', path: `${base}/backups/x/hold` });
  });

  const changed = {
    group: 'apps',
    resource: 'deployments',
    namespace: 'shop',
    name: 'web',
    change: 'Changed',
    patch: [
      { op: 'replace', path: '/spec/replicas', value: 3 },
      { op: 'remove', path: '/spec/paused' },
    ],
  };
  const page = (items: object[], more: object = {}) => ({ kind: 'BackupDifferenceList', metadata: {}, items, ...more });

  it('end with 1 where there are differences, also behind an empty page', async () => {
    const { code, stdout, received } = await against(
      ({ query }) => ({
        body: query.get('continue')
          ? page([changed, { resource: 'configmaps', namespace: 'shop', name: 'a', change: 'Added' }])
          : page([], { metadata: { continue: 'c' } }),
      }),
      'diff x --against y --resource deployments.apps --namespace-of shop',
    );
    expect(code).toBe(1);
    expect(stdout).toBe('Changed deployments.apps/shop/web\n  replace /spec/replicas: 3\n  remove /spec/paused\nAdded configmaps/shop/a\n');
    expect(received[0]?.path).toBe(`${base}/backups/x/diff`);
    expect(Object.fromEntries(received[1]?.query ?? [])).toEqual({
      against: 'y',
      resource: 'deployments',
      group: 'apps',
      namespace: 'shop',
      continue: 'c',
    });
  });

  it('end with 0 where there is none, and with 3 where something could not be compared', async () => {
    expect(await against(() => ({ body: page([]) }), 'diff x')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await against(() => ({ body: page([], { warnings: ['secrets: forbidden'] }) }), 'diff x')).toMatchObject({
      code: 3,
      stderr: 'Warning: secrets: forbidden\nno differences in what could be compared\n',
    });
  });

  it('show no control characters of names', async () => {
    const evil = { ...changed, name: 'w\u001b[2Jeb', patch: [{ op: 'remove', path: '/data/\u001b[1m' }] };
    expect((await against(() => ({ body: page([evil]) }), 'diff x')).stdout).toBe(
      'Changed deployments.apps/shop/w^[[2Jeb\n  remove /data/^[[1m\n',
    );
  });

  it('print differences as tables and documents', async () => {
    const script: Script = () => ({ body: page([changed], { warnings: ['w'] }) });
    expect((await against(script, 'diff x -o name')).stdout).toBe('deployments.apps/shop/web\n');
    expect((await against(script, 'diff x -o wide')).stdout).toBe(
      'CHANGE    RESOURCE           NAMESPACE   NAME\nChanged   deployments.apps   shop        web\n',
    );
    expect(JSON.parse((await against(script, 'diff x -o json')).stdout)).toMatchObject({
      kind: 'BackupDifferenceList',
      items: [changed],
      warnings: ['w'],
    });
  });
});
