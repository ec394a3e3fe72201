/**
 * Certificates for where nobody else makes them: a CA of our own, a serving certificate, and one for the playground's
 * user. Kept in a folder and used again until a month before they end. node-forge makes them; it reads RSA only, so it
 * must never touch the cluster's own bundles.
 */
import { createPrivateKey, generateKeyPair, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { Certificate } from './https.ts';

export interface CertificateRequest {
  /** What clients may call the server. */
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
  /** A user who is to get a client certificate. */
  readonly client?: Subject;
}

interface Subject {
  readonly commonName: string;
  /** Groups, for a user. */
  readonly organizations: readonly string[];
}

export interface Certificates {
  /** PEM of the CA that vouches for the others. */
  readonly ca: string;
  readonly serving: Certificate;
  readonly client: Certificate | undefined;
}

interface Maker {
  readonly folder: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signal: AbortSignal;
}

/** What a certificate is for, and for whom. */
interface Purpose {
  readonly file: string;
  readonly subject: Subject;
  readonly extensions: readonly object[];
  /** Whether one that lies there is for this. */
  readonly fits: (certificate: X509Certificate) => boolean;
}

const hour = 3_600_000;
const day = 24 * hour;
/** Milliseconds. */
const lifetime = 365 * day;
const renewBefore = 30 * day;
/** Clocks differ. */
const backdated = hour;

/** Those that lie in `folder`, as far as they still serve, and new ones for the rest. Rejects with the file system's error. */
export async function ensureCertificates(
  folder: string,
  wanted: CertificateRequest,
  clock: Clock,
  ids: Ids,
  signal: AbortSignal,
): Promise<Certificates> {
  const maker: Maker = { folder, clock, ids, signal };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = await ensure(maker, authority, undefined);
  const serving = await ensure(maker, servingFor(wanted), ca);
  return { ca: ca.cert, serving, client: wanted.client && (await ensure(maker, clientFor(wanted.client), ca)) };
}

const authority: Purpose = {
  file: 'ca',
  subject: { commonName: 'kylon-ca', organizations: [] },
  extensions: [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
  ],
  fits: (certificate) => certificate.ca,
};

function servingFor({ dnsNames, ips }: CertificateRequest): Purpose {
  const altNames = [...dnsNames.map((value) => ({ type: 2, value })), ...ips.map((ip) => ({ type: 7, ip }))];
  return {
    file: 'serving',
    subject: { commonName: dnsNames[0] ?? 'kylon', organizations: [] },
    extensions: [...leaf, { name: 'extKeyUsage', serverAuth: true }, { name: 'subjectAltName', altNames }],
    fits: (certificate) =>
      dnsNames.every((name) => certificate.checkHost(name, { wildcards: false }) !== undefined) &&
      ips.every((ip) => certificate.checkIP(ip) !== undefined),
  };
}

function clientFor(subject: Subject): Purpose {
  return {
    file: 'client',
    subject,
    extensions: [...leaf, { name: 'extKeyUsage', clientAuth: true }],
    fits: (certificate) =>
      certificate.subject === [...subject.organizations.map((name) => `O=${name}`), `CN=${subject.commonName}`].join('\n'),
  };
}

const leaf = [
  { name: 'basicConstraints', cA: false, critical: true },
  { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
];

async function ensure(maker: Maker, purpose: Purpose, issuer: Certificate | undefined): Promise<Certificate> {
  const there = await read(maker, purpose.file);
  if (there && serves(there, purpose, issuer, maker.clock)) return there;
  const made = await make(maker, purpose, issuer);
  await write(maker, `${purpose.file}.key`, made.key);
  await write(maker, `${purpose.file}.crt`, made.cert);
  return made;
}

/** Key and certificate are two files, so that a crash can leave a pair that is none. */
function serves({ cert, key }: Certificate, purpose: Purpose, issuer: Certificate | undefined, clock: Clock): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const isOurs = certificate.verify(new X509Certificate(issuer?.cert ?? cert).publicKey);
    const isLong = certificate.validToDate.getTime() - clock.now() > renewBefore;
    return isOurs && isLong && certificate.checkPrivateKey(createPrivateKey(key)) && purpose.fits(certificate);
  } catch {
    return false;
  }
}

async function make({ clock, ids }: Maker, purpose: Purpose, issuer: Certificate | undefined): Promise<Certificate> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const parent = issuer && forge.pki.certificateFromPem(issuer.cert);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  /** Positive, as RFC 5280 wants it. */
  certificate.serialNumber = `4${ids.hex(16).slice(1)}`;
  certificate.validity.notBefore = new Date(clock.now() - backdated);
  const end = clock.now() + lifetime;
  certificate.validity.notAfter = new Date(parent ? Math.min(end, parent.validity.notAfter.getTime()) : end);
  certificate.setSubject(attributesOf(purpose.subject));
  certificate.setIssuer(parent ? parent.subject.attributes : attributesOf(purpose.subject));
  const signer = parent ?? certificate;
  certificate.setExtensions([
    ...purpose.extensions,
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: signer.generateSubjectKeyIdentifier().getBytes() },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? privateKey), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey };
}

function attributesOf({ commonName, organizations }: Subject): forge.pki.CertificateField[] {
  return [...organizations.map((value) => ({ name: 'organizationName', value })), { name: 'commonName', value: commonName }];
}

async function read({ folder, signal }: Maker, file: string): Promise<Certificate | undefined> {
  try {
    const options = { encoding: 'utf8', signal } as const;
    return { cert: await readFile(join(folder, `${file}.crt`), options), key: await readFile(join(folder, `${file}.key`), options) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function write({ folder, signal, ids }: Maker, file: string, text: string): Promise<void> {
  const unfinished = join(folder, `.${file}.${ids.hex(4)}`);
  await writeFile(unfinished, text, { mode: 0o600, signal });
  await rename(unfinished, join(folder, file));
}
