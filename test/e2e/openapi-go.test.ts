/** Our documents of OpenAPI, passed through the libraries that kube-apiserver merges and serves them with: test/clients/openapi. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { acceptanceBed } from './acceptance.ts';
import { clientCertificate } from './certificates.ts';
import { suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, findClusterForGo, itChecks } from './go.ts';
import { direct } from './https.ts';
import { portOf } from './kylon.ts';
import { apiVersion } from './objects.ts';
import { run } from './process.ts';
import type { Proxy } from './proxy.ts';

const { title, options } = suite('OpenAPI in Go', findClusterForGo());

const protobuf = { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' };

describe(title, options, () => {
  const folder = temporaryFolder();
  const keep = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
  const { kubectl, send } = acceptanceBed('kylon-e2e-openapi-go', async (proxy: Proxy) =>
    keep('theirs-v2.json', (await proxy.send('GET', '/openapi/v2')).text),
  );

  itChecks(
    [
      'v2 is the same after decoding and encoding',
      'v3 is the same after decoding and encoding',
      'every reference leads to a definition',
      "v2 merges with kube-apiserver's own, and nothing is renamed or changed",
      'v2, merged, is served as protobuf',
      'v3 is served as protobuf',
      'kube-apiserver itself serves the merged v2 as protobuf',
      'clients make models of v2 and of v3',
      'every definition, field and parameter has a sentence',
    ],
    async () => {
      const program = await buildGo('openapi');
      const client = await clientCertificate(kubectl, 'openapi-reader');
      const own = await direct({ port: await portOf(kubectl), path: '/openapi/v2', ...client });
      keep('own-v2.json', own.text);
      keep('own-v3.json', (await send('GET', `/openapi/v3/apis/${apiVersion}`)).text);
      keep('merged-v2.pb', (await send('GET', '/openapi/v2', { headers: protobuf })).bytes);
      return run(program, [folder]);
    },
  );
});
