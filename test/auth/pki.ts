/** Certificates for tests: RSA by node-forge, EC by the openssl program where there is one. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  readonly cn?: string;
  readonly o?: readonly string[];
  readonly usage?: 'client' | 'server' | 'none' | 'any';
  /** Of a server. */
  readonly dnsNames?: readonly string[];
  /** Beside 127.0.0.1. */
  readonly ips?: readonly string[];
  readonly ca?: boolean;
  /** Says nothing of what its key may do, so that only the CA flag tells that it is none. */
  readonly anyKeyUsage?: boolean;
  /** In days from now. */
  readonly from?: number;
  readonly to?: number;
  /** A fresh key instead of the one that all leaves share. */
  readonly ownKey?: boolean;
}

const day = 86_400_000;
let serial = 1000;

const rsaKey = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

const sharedKey = rsaKey();

/** A certificate by `issuer`, or one that signs itself. */
export function issue(
  issuer: Pair | undefined,
  {
    cn,
    o = [],
    usage = 'client',
    ca = false,
    from = -1,
    to = 365,
    ownKey = ca,
    anyKeyUsage = false,
    dnsNames = ['localhost'],
    ips = [],
  }: Wanted,
): Pair {
  const { publicKey, privateKey } = ownKey ? rsaKey() : sharedKey;
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = (serial++).toString(16).padStart(6, '0');
  certificate.validity.notBefore = new Date(Date.now() + from * day);
  certificate.validity.notAfter = new Date(Date.now() + to * day);
  const utf8 = (name: string, value: string) => ({
    name,
    value,
    valueTagClass: forge.asn1.Type.UTF8 as unknown as forge.asn1.Class,
  });
  certificate.setSubject([...o.map((value) => utf8('organizationName', value)), ...(cn === undefined ? [] : [utf8('commonName', cn)])]);
  const parent = issuer && forge.pki.certificateFromPem(issuer.cert);
  certificate.setIssuer((parent ?? certificate).subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: ca },
    ...(anyKeyUsage ? [] : [{ name: 'keyUsage', keyCertSign: ca, digitalSignature: true, keyEncipherment: true }]),
    ...(usage === 'none' || ca
      ? []
      : [
          {
            name: 'extKeyUsage',
            clientAuth: usage === 'client',
            serverAuth: usage === 'server',
            ...(usage === 'any' && { '2.5.29.37.0': true }),
          },
        ]),
    ...(usage === 'server'
      ? [
          {
            name: 'subjectAltName',
            altNames: [...dnsNames.map((value) => ({ type: 2, value })), ...['127.0.0.1', ...ips].map((ip) => ({ type: 7, ip }))],
          },
        ]
      : []),
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? privateKey), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey };
}

export const authority = (cn: string, issuer?: Pair) => issue(issuer, { cn, ca: true });

export const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A CA and a client of P-256 keys. */
export function ellipticPair(cn: string): { readonly ca: string; readonly client: Pair } {
  const folder = mkdtempSync(join(tmpdir(), 'ec-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  try {
    writeFileSync(at('ext'), 'extendedKeyUsage=clientAuth\n');
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-x509', ...curve, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=ec-ca', '-days', '10');
    openssl('req', ...curve, '-keyout', at('c.key'), '-out', at('c.csr'), '-subj', `/CN=${cn}`);
    openssl(
      'x509',
      '-req',
      '-in',
      at('c.csr'),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-set_serial',
      '7',
      '-days',
      '5',
      '-extfile',
      at('ext'),
      '-out',
      at('c.crt'),
    );
    const read = (name: string) => readFileSync(at(name), 'utf8');
    return { ca: read('ca.crt'), client: { cert: read('c.crt'), key: read('c.key') } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
