import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { verifyChain } from '../../src/auth/chain.ts';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { ensureCertificates } from '../../src/server/certificates.ts';
import type { CertificateRequest } from '../../src/server/certificates.ts';

const wanted: CertificateRequest = {
  dnsNames: ['kylon.kube-system.svc', 'localhost'],
  ips: ['127.0.0.1', '::1'],
  client: { commonName: 'kylon-admin', organizations: ['system:masters'] },
};
const day = 86_400_000;

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'pki-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return join(path, 'certificates');
}

const ensure = (path: string, request = wanted, days = 0) =>
  ensureCertificates(path, request, { ...systemClock, now: () => Date.now() + days * day }, randomIds, new AbortController().signal);

it('makes a CA, and what it vouches for', async () => {
  const path = await folder();
  const { ca, serving, client } = await ensure(path);
  const [root, leaf, user] = [ca, serving.cert, client!.cert].map((pem) => new X509Certificate(pem));
  expect([root!.ca, leaf!.ca, user!.ca]).toEqual([true, false, false]);
  expect(leaf!.checkIssued(root!) && leaf!.verify(root!.publicKey)).toBe(true);
  expect(leaf!.subjectAltName).toBe('DNS:kylon.kube-system.svc, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  expect(user!.subject).toBe('O=system:masters\nCN=kylon-admin');
  expect(verifyChain([user!], [root!], Date.now())).toBeDefined();
  expect(verifyChain([leaf!], [root!], Date.now())).toBeUndefined();
  expect(leaf!.validFromDate.getTime()).toBeLessThan(Date.now() - 3_500_000);
  for (const name of await readdir(path)) expect([name, (await stat(join(path, name))).mode & 0o777]).toEqual([name, 0o600]);
});

it('keeps what still serves, and replaces the rest', async () => {
  const path = await folder();
  const first = await ensure(path);
  expect(await ensure(path)).toEqual(first);
  expect(await ensure(path, wanted, 330)).toEqual(first);
  expect((await ensure(path, { ...wanted, ips: ['127.0.0.1'] })).serving).toEqual(first.serving);

  const renamed = await ensure(path, {
    ...wanted,
    dnsNames: [...wanted.dnsNames, 'new.example'],
    client: { commonName: 'other', organizations: [] },
  });
  expect(renamed.ca).toBe(first.ca);
  expect(new X509Certificate(renamed.serving.cert).subjectAltName).toContain('new.example');
  expect(new X509Certificate(renamed.client!.cert).subject).toBe('CN=other');

  await writeFile(join(path, 'serving.key'), first.client!.key);
  expect((await ensure(path)).serving.key).not.toBe(first.client!.key);

  const later = await ensure(path, wanted, 340);
  expect(later.ca).not.toBe(first.ca);
  expect(new X509Certificate(later.serving.cert).verify(new X509Certificate(later.ca).publicKey)).toBe(true);
});
