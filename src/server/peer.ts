/** Who is at the other end of a connection, as far as TLS and TCP tell. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** A connection carries many requests, and its certificates do not change. */
const known = new WeakMap<TLSSocket, readonly X509Certificate[]>();
/** Against a sender of endless chains, and a root that names itself as its issuer. */
const longest = 10;

/** The client's certificate, then those that it sent with it; none of them verified. */
export function certificatesOf({ socket }: IncomingMessage): readonly X509Certificate[] {
  if (!(socket instanceof TLSSocket)) return [];
  const certificates = known.get(socket) ?? chainOf(socket.getPeerX509Certificate());
  known.set(socket, certificates);
  return certificates;
}

export function addressOf({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function chainOf(first: X509Certificate | undefined): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  for (let next = first; next && chain.length < longest && !seen.has(next.fingerprint256); next = next.issuerCertificate) {
    seen.add(next.fingerprint256);
    chain.push(next);
  }
  return chain;
}
