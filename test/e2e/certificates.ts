/** Client certificates of the cluster's ordinary authority, as any user may come by one: through a CertificateSigningRequest. */
import forge from 'node-forge';
import type { Kubectl } from './kubectl.ts';
import { eventually } from './process.ts';

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** For the common name, made by the cluster's own signer and approved by whoever `kubectl` is. */
export async function clientCertificate(kubectl: Kubectl, commonName: string): Promise<ClientCertificate> {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const request = forge.pki.createCertificationRequest();
  request.publicKey = keys.publicKey;
  request.setSubject([{ name: 'commonName', value: commonName }]);
  request.sign(keys.privateKey, forge.md.sha256.create());
  const name = `kylon-e2e-${commonName}`;
  await kubectl.run(['delete', 'csr', name, '--ignore-not-found']);
  await kubectl.run(['create', '-f', '-'], {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: btoa(forge.pki.certificationRequestToPem(request)),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth', 'digital signature', 'key encipherment'],
    },
  });
  await kubectl.run(['certificate', 'approve', name]);
  const signed = await eventually(async () => (await kubectl.get('csr', name)).status?.['certificate'] as string | undefined);
  await kubectl.run(['delete', 'csr', name]);
  return { cert: atob(signed), key: forge.pki.privateKeyToPem(keys.privateKey) };
}
