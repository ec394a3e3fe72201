/** Repositories served as movers reach them, in a process of its own: `repositories-child.ts STORE FOLDER`. A line of JSON in asks for access to a namespace, one out gives it. */
import { createInterface } from 'node:readline';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { createMetrics } from '../src/base/metrics.ts';
import { openStore } from '../src/objectstore/open.ts';
import { createRepositories } from '../src/repository/store-repositories.ts';
import { ensureCertificates } from '../src/server/certificates.ts';
import { startServer } from '../src/server/listen.ts';

const [store = '', folder = ''] = process.argv.slice(2);
const signal = AbortSignal.any([]);
const parts = { clock: systemClock, ids: randomIds, log: createLog('warn'), metrics: createMetrics(), env: process.env };
const opened = await openStore(store, parts, signal);
const { repositories, serve } = createRepositories({ ...parts, storeNamed: () => opened.store, domain: 'bench' });
const { ca, serving } = await ensureCertificates(folder, { dnsNames: ['localhost'], ips: ['127.0.0.1'] }, systemClock, randomIds, signal);
const none = () => Promise.reject(new Error('there is no API here'));
const server = await startServer(
  {
    ...parts,
    ...serving,
    host: '127.0.0.1',
    port: 0,
    authenticate: none,
    authorizer: { authorize: none },
    handle: none,
    serveRepository: serve,
    shutdownDelayMs: 0,
    healthChecks: [],
  },
  signal,
);
for await (const namespace of createInterface({ input: process.stdin })) {
  const access = await repositories.access({ storeName: 'default', namespace }, { rights: 'append', holder: 'bench' }, 3_600_000, signal);
  console.log(JSON.stringify({ ...access, ca, port: server.port }));
}
await server.close();
await opened.store.close();
