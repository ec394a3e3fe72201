/** restic itself, with a throttle so small that a file takes it a quarter of an hour, beside one without. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { to } from '../repository/workbench.ts';
import { suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, coldBuild, missingGo } from './go.ts';
import { Restic, startReplica } from './restic.ts';

const { title, options } = suite('restic with a throttle', missingGo() ?? { kubeconfig: '' });
const MiB = 1024 * 1024;
const signal = AbortSignal.any([]);

describe(title, options, () => {
  const data = join(temporaryFolder(), 'data');
  let restic: Restic;
  let replica: Awaited<ReturnType<typeof startReplica>>;

  beforeAll(async () => {
    restic = new Restic(await buildGo('restic', { package: 'github.com/restic/restic/cmd/restic', static: true }));
    mkdirSync(data);
    for (let i = 0; i < 8; i++) writeFileSync(join(data, `${i}`), randomBytes(20 * MiB));
    replica = await startReplica(pathToFileURL(join(temporaryFolder(), 'store')).href);
  }, coldBuild);
  afterAll(() => replica?.close());

  const access = (namespace: string) => replica.repositories.access({ storeName: 'default', namespace }, to('append'), 3_600_000, signal);

  it('holds up nobody of another namespace', async () => {
    const throttled = restic.start(replica.port, await access('throttled'), ['backup', '--limit-upload=16', data]);
    try {
      await sleep(10_000);
      const since = performance.now();
      expect(await restic.at(replica.port, await access('quick'), ['backup', data])).toMatchObject({ code: 0 });
      expect(performance.now() - since).toBeLessThan(60_000);
      expect(throttled.ended, throttled.output()).toBe(false);
    } finally {
      await throttled.stop('SIGKILL');
    }
  });
});
