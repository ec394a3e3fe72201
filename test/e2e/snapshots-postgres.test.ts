/** PostgreSQL under write load: snapshots of its volume, by the driver and moved, hold every row that was committed before they began. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, moverImageFault } from './mover-image.ts';
import { complete, namespace, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { loadPostgresImage, postgresImage, postgresImageFault, postgresUser } from './postgres-image.ts';
import { eventually } from './process.ts';
import { claim, withSnapshots } from './volumes.ts';

const fault = moverImageFault() ?? postgresImageFault();
const cluster = fault === undefined ? withSnapshots(findCluster()) : { missing: fault };
const postgres = suite('PostgreSQL under write load', cluster);

/**
 * The driver of the test cluster copies file by file, which is no moment in time. With settings under which only the log is written meanwhile,
 * what it has copied is what a power cut could have left, as a driver of real storage makes it.
 */
const onlyTheLog = ['checkpoint_timeout=1h', 'max_wal_size=10GB', 'shared_buffers=128MB', 'bgwriter_lru_maxpages=0', 'autovacuum=off'];

describe(postgres.title, postgres.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const place = 'kylon-postgres';
  const data = temporaryFolder();
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    loadPostgresImage();
    const { metadata, spec } = claim(place, 'data');
    const labels = { app: 'db' };
    const set = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { namespace: place, name: 'db' },
      spec: {
        replicas: 1,
        serviceName: 'db',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: serverSpec() },
        volumeClaimTemplates: [{ metadata: { name: metadata.name }, spec }],
      },
    };
    await kubectl.run(['create', '-f', '-'], [namespace(place), set]);
    await ready('db-0');
    await query('create table load (id bigserial primary key, text text not null); create extension amcheck');
    kylon = await Kylon.beside(kubeconfig, { data, flags: await moverFlags(kubectl) });
  }, coldBuild);
  afterAll(async () => {
    await kubectl.try(['delete', snapshots, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
  }

  /** Its volume is called data. It makes the database where there is none. */
  function serverSpec() {
    const settings = onlyTheLog.map((setting) => `-c ${setting}`).join(' ');
    const make = '[ -e /data/db/PG_VERSION ] || initdb -D /data/db --data-checksums --locale=C --encoding=UTF8';
    const probe = { exec: { command: ['pg_isready', '-h', '/tmp'] }, periodSeconds: 1 };
    return {
      terminationGracePeriodSeconds: 0,
      securityContext: {
        runAsUser: postgresUser,
        runAsGroup: postgresUser,
        fsGroup: postgresUser,
        // PostgreSQL refuses a folder that its group may write to.
        fsGroupChangePolicy: 'OnRootMismatch',
      },
      containers: [
        {
          name: 'postgres',
          image: postgresImage,
          imagePullPolicy: 'Never',
          command: ['sh', '-ec', `${make}; exec postgres -D /data/db -k /tmp -c listen_addresses= ${settings}`],
          readinessProbe: probe,
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
    };
  }

  const ready = (pod: string) =>
    eventually(
      async () => (await kubectl.try(['wait', '--for=condition=Ready', `pod/${pod}`, '-n', place, '--timeout=60s'])).code === 0,
      120_000,
    );
  const inPod = (pod: string, ...command: readonly string[]) => kubectl.run(['exec', pod, '-n', place, '--', ...command]);
  const query = (sql: string, pod = 'db-0') => inPod(pod, 'psql', '-h', '/tmp', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-Atqc', sql);
  const idsIn = async (pod: string) => (await query('select id from load order by id', pod)).split('\n').filter((id) => id !== '');
  /** Of four clients, each of which commits row by row. */
  const load = () => {
    const row = "with made as (select nextval('load_id_seq') as id) insert into load select id, md5(id::text) from made;";
    const script = `echo "${row}" > /tmp/row.sql && exec pgbench -h /tmp -n -c 4 -T 600 -f /tmp/row.sql postgres`;
    return kubectl.start('exec', 'db-0', '-n', place, '--', 'sh', '-c', script);
  };

  it.each([
    ['kept by the driver', 'kept', {}],
    ['moved', 'moved', { moveData: true }],
  ])('starts on a new claim of a snapshot that was %s, with every row from before it', async (_, name, spec) => {
    const running = load();
    try {
      await eventually(async () => Number(await query('select count(*) from load')) > 2_000, 60_000);
      const before = await idsIn('db-0');
      await kubectl.run(['create', '-f', '-'], snapshot(place, name, 'data-db-0', spec));
      await complete(kubectl, snapshots, { namespace: place, name });
      expect(Number(await query('select count(*) from load'))).toBeGreaterThan(before.length);
      expect(running.ended, running.output()).toBe(false);
      await running.stop('SIGKILL');
      await expectRestored(name, before);
    } finally {
      await running.stop('SIGKILL');
      await query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgbench'");
    }
  });

  async function expectRestored(name: string, before: readonly string[]): Promise<void> {
    await kubectl.run(['create', '-f', '-'], restoreOfSnapshot(place, name, name, { name }));
    await complete(kubectl, restores, { namespace: place, name });
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: name } }];
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: place, name }, spec: { ...serverSpec(), volumes } };
    await kubectl.run(['create', '-f', '-'], pod);
    await ready(name);
    const log = await kubectl.run(['logs', name, '-n', place]);
    expect(log).toMatch(/not properly shut down; automatic recovery in progress/);
    // But for what the probe is told.
    expect(log).not.toMatch(/PANIC|FATAL:(?! +the database system is (?:starting up|not yet accepting connections))|invalid page/);
    const after = new Set(await idsIn(name));
    expect(before.filter((id) => !after.has(id))).toEqual([]);
    expect(await query('select count(*) from load where text <> md5(id::text)', name)).toBe('0\n');
    // Rejects where the index does not have what the table has.
    await query("select bt_index_check('load_pkey', true)", name);
    await query('insert into load (text) values (1)', name);
    await kubectl.run(['delete', 'pod', name, '-n', place, '--now']);
  }
});
