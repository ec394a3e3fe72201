/**
 * Whose certificates count, as the cluster publishes it in ConfigMap kube-system/extension-apiserver-authentication.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#original-request-username-and-group
 */
import { X509Certificate } from 'node:crypto';
import { messageOf } from '../base/lifetime.ts';

export interface Trust {
  /** Issuers of ordinary client certificates; none: no certificate names a user. */
  readonly clientCAs: readonly X509Certificate[];
  /** Absent: nobody may name users by header. */
  readonly requestHeader?: RequestHeaderTrust;
}

/** Who may say in headers on whose behalf a request is made, and in which. */
export interface RequestHeaderTrust {
  readonly cas: readonly X509Certificate[];
  /** Common names of the proxy; empty: any. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeadersPrefix: readonly string[];
}

export interface TrustSource {
  /** As of now. A change is a new object. */
  current(): Trust;
}

/** Reads the data of the ConfigMap. Throws an Error that names the key at fault. */
export function parseTrust(data: Readonly<Record<string, string>>): Trust {
  const clientCAs = certificatesAt(data, 'client-ca-file');
  const cas = certificatesAt(data, 'requestheader-client-ca-file');
  if (cas.length === 0) return { clientCAs };
  return {
    clientCAs,
    requestHeader: {
      cas,
      allowedNames: stringsAt(data, 'requestheader-allowed-names'),
      usernameHeaders: stringsAt(data, 'requestheader-username-headers'),
      uidHeaders: stringsAt(data, 'requestheader-uid-headers'),
      groupHeaders: stringsAt(data, 'requestheader-group-headers'),
      extraHeadersPrefix: stringsAt(data, 'requestheader-extra-headers-prefix'),
    },
  };
}

/** Every certificate of a PEM bundle; during a rotation there are several. */
export function parseCertificates(pem: string): X509Certificate[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([one]) => new X509Certificate(one));
}

function certificatesAt(data: Readonly<Record<string, string>>, key: string): X509Certificate[] {
  const pem = data[key];
  if (!pem) return [];
  try {
    const found = parseCertificates(pem);
    if (found.length > 0) return found;
  } catch (cause) {
    throw new Error(`${key}: not a certificate: ${messageOf(cause)}`, { cause });
  }
  throw new Error(`${key}: holds no PEM certificate`);
}

function stringsAt(data: Readonly<Record<string, string>>, key: string): string[] {
  const text = data[key];
  if (!text) return [];
  const value = parseJson(key, text);
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) throw new Error(`${key}: not a JSON array of strings`);
  return value;
}

function parseJson(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${key}: not JSON: ${messageOf(cause)}`, { cause });
  }
}
