/** Whom the server did not let in, as far as the connection tells. */
import type { X509Certificate } from 'node:crypto';

export interface Refusal {
  readonly path: string;
  readonly code: 401 | 403;
  /** Undefined where none came. */
  readonly certificate: { readonly commonName: string; readonly issuer: string } | undefined;
}

export function refusalOf(path: string, code: 401 | 403, [certificate]: readonly X509Certificate[]): Refusal {
  return {
    path,
    code,
    certificate: certificate && { commonName: commonNameOf(certificate.subject), issuer: commonNameOf(certificate.issuer) },
  };
}

/** For the eyes of a person; who somebody is is decided elsewhere. */
const commonNameOf = (distinguishedName: string) => /^CN=(.*)$/m.exec(distinguishedName)?.[1] ?? '';
