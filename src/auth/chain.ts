/**
 * Whether a client certificate chains to one set of CAs. Node has one pool of CAs for a whole server and one verdict for
 * it; but a certificate of the ordinary client CA must never pass for the front proxy's, so each set is checked on its own.
 */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { createExpiringCache } from './expiring-cache.ts';

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';
/** More certificates than that nobody needs between a client and its root. */
const longestChain = 5;

export interface ChainVerifier {
  /** `presented`: the client's certificate, then what it sent with it. */
  verify(presented: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean;
}

/** Remembers verdicts by what was presented and to which set of CAs, so that a connection is checked once and not at every request. */
export function createChainVerifier(clock: Clock): ChainVerifier {
  const caches = new WeakMap<readonly X509Certificate[], ReturnType<typeof createExpiringCache<boolean>>>();
  return {
    verify(presented, roots) {
      const cache = caches.get(roots) ?? createExpiringCache<boolean>(clock, 1024);
      caches.set(roots, cache);
      const key = presented.map((certificate) => certificate.fingerprint256).join();
      const known = cache.get(key);
      if (known !== undefined) return known;
      const now = clock.now();
      const until = verifyChain(presented, roots, now);
      cache.set(key, until !== undefined, Math.min((until ?? Infinity) - now, 60_000));
      return until !== undefined;
    },
  };
}

/** The time (ms) until which the certificate is good, or undefined if it is not. */
export function verifyChain(presented: readonly X509Certificate[], roots: readonly X509Certificate[], now: number): number | undefined {
  const [leaf, ...intermediates] = presented.slice(0, longestChain);
  if (!leaf || !leaf.keyUsage?.some(allowsClients)) return undefined;
  return climb(leaf, intermediates, roots, now);
}

function climb(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): number | undefined {
  const expiry = certificate.validToDate.getTime();
  if (certificate.validFromDate.getTime() > now || expiry <= now) return undefined;
  const root = roots.find((root) => issued(certificate, root) && root.validFromDate.getTime() <= now && root.validToDate.getTime() > now);
  if (root) return Math.min(expiry, root.validToDate.getTime());
  for (const issuer of intermediates.filter((candidate) => issued(certificate, candidate))) {
    const rest = intermediates.filter((other) => other !== issuer);
    const until = climb(issuer, rest, roots, now);
    if (until !== undefined) return Math.min(expiry, until);
  }
  return undefined;
}

/** checkIssued compares names and key identifiers and wants the right to sign certificates; verify checks the signature. */
function issued(certificate: X509Certificate, issuer: X509Certificate): boolean {
  const mayIssue = issuer.ca && (issuer.keyUsage === undefined || issuer.keyUsage.some(allowsClients));
  return mayIssue && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Node calls the *extended* key usage `keyUsage`. */
const allowsClients = (usage: string) => usage === clientAuth || usage === anyUsage;
