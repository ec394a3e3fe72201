/** Who the server believes, asked past kube-apiserver. Whatever the headers say, only the front proxy's own certificate makes them count. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientCertificate } from './certificates.ts';
import type { ClientCertificate } from './certificates.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { direct } from './https.ts';
import type { DirectReply } from './https.ts';
import { Kubectl } from './kubectl.ts';
import { Kylon, portOf } from './kylon.ts';
import { path } from './objects.ts';

const cluster = findCluster();
const identity = suite('identity, straight to the server', cluster);
const pki = join(dirname(kubeconfigOf(cluster)), 'pki');

describe(identity.title, identity.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const list = path('default', 'backups');
  let kylon: Kylon;
  let port: number;
  let frontProxyName: string;
  let proxyNamed: ClientCertificate;

  beforeAll(async () => {
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    port = await portOf(kubectl);
    const trust = (await kubectl.get('configmap', 'extension-apiserver-authentication', '-n', 'kube-system'))['data'] as Record<
      string,
      string
    >;
    frontProxyName = (JSON.parse(trust['requestheader-allowed-names'] ?? '[]') as string[])[0] ?? 'front-proxy-client';
    proxyNamed = await clientCertificate(kubectl, frontProxyName);
  });
  afterAll(async () => {
    await kylon?.stop();
  });

  const claims: Record<string, Record<string, string | string[]>> = {
    'X-Remote-User: admin': { 'X-Remote-User': 'admin' },
    'of system:masters': { 'X-Remote-User': 'admin', 'X-Remote-Group': ['system:masters', 'system:authenticated'] },
    'in lower case': { 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters' },
    'of the aggregator': { 'X-Remote-User': 'system:kube-aggregator', 'X-Remote-Group': 'system:masters' },
    'with a uid and extra': {
      'X-Remote-User': 'admin',
      'X-Remote-Group': 'system:masters',
      'X-Remote-Uid': '1',
      'X-Remote-Extra-Scopes': 'all',
    },
  };

  const refused = (reply: DirectReply, who: string) => {
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.text)).toMatchObject({ kind: 'Status', reason: 'Forbidden', code: 403 });
    expect(reply.text).toContain(`User \\"${who}\\" cannot list resource \\"backups\\"`);
  };

  describe.each(Object.entries(claims))('a claim to be admin, %s', (_, headers) => {
    it('without a certificate is never admin', async () => {
      const reply = await direct({ port, path: list, headers });
      expect([401, 403]).toContain(reply.status);
      expect(JSON.parse(reply.text)).toMatchObject({ kind: 'Status', status: 'Failure' });
      expect(reply.text).not.toMatch(/admin|aggregator|masters/);
    });

    it('with a certificate of the client authority in the front proxy\u2019s name is never admin', async () => {
      refused(await direct({ port, path: list, headers, ...proxyNamed }), frontProxyName);
    });

    it('with the front proxy\u2019s authority and a name that is not allowed is never admin', async ({ skip }) => {
      if (!existsSync(join(pki, 'front-proxy-ca.key'))) skip('the key of the front proxy\u2019s authority is not at hand');
      const reply = await direct({ port, path: list, headers, ...otherName() });
      expect([401, 403]).toContain(reply.status);
      expect(reply.text).not.toMatch(/admin|aggregator|masters/);
    });
  });

  it('A35 acts as front-proxy-client, not as admin', async () => {
    const headers = { 'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters' };
    const create = { apiVersion: 'backup.kylon.io/v1alpha1', kind: 'Backup', metadata: { name: 'never' } };
    const reply = await direct({
      port,
      path: list,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(create),
      ...proxyNamed,
    });
    expect(reply.status).toBe(403);
    expect(reply.text).toContain(frontProxyName);
    expect(await kubectl.fails(['get', 'backups.backup.kylon.io', 'never'])).toContain('NotFound');
  });

  it('A36 lets anonymous see health only', async () => {
    for (const healthy of ['/livez', '/readyz', '/healthz'])
      expect(await direct({ port, path: healthy })).toMatchObject({ status: 200, text: 'ok' });
    for (const closed of [
      list,
      '/apis/backup.kylon.io/v1alpha1',
      '/apis',
      '/openapi/v2',
      '/openapi/v3',
      '/metrics',
      '/version',
      '/',
      '/livez/ping/../..',
    ]) {
      const reply = await direct({ port, path: closed });
      expect([401, 403, 404], `${closed} answered ${reply.status}`).toContain(reply.status);
      expect(JSON.parse(reply.text)).toMatchObject({ kind: 'Status' });
    }
    const badToken = await direct({ port, path: list, headers: { authorization: 'Bearer not-a-token' } });
    expect(badToken.status).toBe(401);
    expect(JSON.parse(badToken.text)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
  });

  it('knows a user by certificate and by token, as kube-apiserver does', async () => {
    const carol = await clientCertificate(kubectl, 'carol');
    refused(await direct({ port, path: list, ...carol }), 'carol');
    const token = (await kubectl.run(['create', 'token', 'default'])).trim();
    refused(await direct({ port, path: list, headers: { authorization: `Bearer ${token}` } }), 'system:serviceaccount:default:default');
  });

  it('lets nobody around the path that was authorized', async () => {
    const carol = await clientCertificate(kubectl, 'carol');
    for (const odd of [
      list.toUpperCase(),
      `${list}/`,
      list.replace('/namespaces', '//namespaces'),
      list.replace('backups', '%62ackups'),
      `${list}/../backups`,
      list.replace('/apis', '/x/../apis'),
    ]) {
      const reply = await direct({ port, path: odd, ...carol });
      expect([400, 403, 404], `${odd} answered ${reply.status}`).toContain(reply.status);
    }
  });

  it('does not let a user impersonate whom they may not', async () => {
    const carol = await clientCertificate(kubectl, 'carol');
    const reply = await direct({
      port,
      path: list,
      headers: { 'Impersonate-User': 'admin', 'Impersonate-Group': 'system:masters' },
      ...carol,
    });
    expect(reply.status).toBe(403);
    expect(reply.text).toMatch(/impersonate/);
  });
});

/** By openssl, since that authority has no other way in. */
function otherName(): ClientCertificate {
  const folder = temporaryFolder();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key');
  openssl('req', '-new', '-key', 'key', '-subj', '/CN=somebody-else', '-out', 'csr');
  writeFileSync(join(folder, 'extensions'), 'extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n');
  const authority = ['-CA', join(pki, 'front-proxy-ca.crt'), '-CAkey', join(pki, 'front-proxy-ca.key')];
  openssl('x509', '-req', '-in', 'csr', ...authority, '-set_serial', '7', '-days', '1', '-extfile', 'extensions', '-out', 'crt');
  return { cert: readFileSync(join(folder, 'crt'), 'utf8'), key: readFileSync(join(folder, 'key'), 'utf8') };
}
